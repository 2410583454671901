-- name: add_staff
-- A second account with the name is refused by the caller, and so is a second open one of the person.
insert into staff (staff_id, username, person_id, password_hash, role, site_id, created_at, state, origin, created_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict do nothing
returning staff_id;

-- name: lock_accounts
-- Changes of who may act for the centre come one after the other: the last operator cannot be closed twice at once.
select pg_advisory_xact_lock(hashtextextended('staff-accounts', 0));

-- name: account
-- One account as the rules see it.
select staff.staff_id, staff.username, staff.person_id, staff.role, staff.state, staff.site_id, staff.volunteer_id,
       (home.kind is null or home.kind = 'centre') as unbounded, staff.created_by as made_by, staff.reset_by,
       staff.created_at
from staff left join sites home using (site_id)
where staff.staff_id = $1;

-- name: other_unbounded
-- Active operators of the centre besides one.
select count(*) from staff left join sites home using (site_id)
where staff.state = 'active' and staff.role = 'operator' and (home.kind is null or home.kind = 'centre')
  and staff.staff_id <> $1;

-- name: accounts
-- Accounts within bounds (null: all), by username; names of who made and activated them.
select staff.staff_id, staff.username, staff.role, staff.state, staff.site_id, staff.volunteer_id, staff.created_at,
       staff.last_sign_in_at, maker.username as created_by, activator.username as activated_by, staff.reset_at,
       exists (
           select from staff_second_factors factor
           where factor.staff_id = staff.staff_id and factor.confirmed_at is not null
       ) as second_factor
from staff
left join staff maker on maker.staff_id = staff.created_by
left join staff activator on activator.staff_id = staff.activated_by
where ($1::uuid[] is null or staff.site_id = any($1)) and ($2::text is null or staff.username > $2)
  and ($3::boolean or staff.state <> 'deactivated')
order by staff.username
limit $4;

-- name: activate
-- By a second person; the state was checked under the lock.
update staff set state = 'active', activated_by = $2, activated_at = $3 where staff_id = $1;

-- name: deactivate
-- Closed for good; a new invitation makes a new account.
update staff set state = 'deactivated', deactivated_by = $2, deactivated_at = $3 where staff_id = $1;

-- name: start_reset
-- The password ends at once, and only the holder sets the next one.
update staff set password_hash = 'reset', reset_by = $2, reset_at = $3 where staff_id = $1;

-- name: set_password
-- By the holder, or on the machine.
update staff set password_hash = $2, password_changed_at = $3 where staff_id = $1 and state <> 'deactivated'
returning staff_id;

-- name: signed_in
-- Shown in the list of accounts.
update staff set last_sign_in_at = $2 where staff_id = $1;

-- name: credentials
-- To verify a password.
select staff_id, person_id, username, password_hash, state, role from staff
where username = $1 and state <> 'deactivated';

-- name: password_locked
-- What was verified must still be the password when it opens something: a reset or closing comes before or after.
select password_hash from staff where staff_id = $1 and state <> 'deactivated' for no key update;

-- name: known_place
-- Whether the account was used from this browser or address in the last thirty days.
select exists (
    select from sessions session join staff using (staff_id)
    where staff.username = $1 and session.created_at > $4
      and (session.binding = $2 or session.address = $3)
);

-- name: words_of
-- Words that a password of this account must not hold.
select staff.username, home.name as site from staff left join sites home using (site_id) where staff.staff_id = $1;

-- name: site_name
-- Shown with an invitation, and refused inside of a password.
select name from sites where site_id = $1;

-- name: say_volunteer
-- Which volunteer a member of staff is, or that they are none; by whom it was said, and when.
update staff set volunteer_id = $2, volunteer_said_by = $3, volunteer_said_at = $4 where staff_id = $1
returning username, role, site_id;

-- name: volunteer_known
-- Before a member of staff is said to be this volunteer.
select exists (select from volunteers where volunteer_id = $1);

-- name: volunteer_of_person
-- A volunteer who becomes staff is known to be both from the beginning.
select volunteer_id from volunteers where person_id = $1;

-- name: expire_invitations
-- Their usernames become free; withdrawn by who made them.
update staff_invitations set withdrawn_at = $1, withdrawn_by = invited_by
where accepted_at is null and withdrawn_at is null and expires_at <= $1;

-- name: name_taken
-- By an account or an open invitation.
select exists (select from staff where username = $1)
    or exists (select from staff_invitations where username = $1 and accepted_at is null and withdrawn_at is null);

-- name: person_is_staff
-- One person has one open account.
select exists (select from staff where person_id = $1 and state <> 'deactivated');

-- name: add_invitation
-- Name and phone lie in the vault.
insert into staff_invitations
    (invitation_id, username, person_id, role, site_id, invited_by, invited_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: lock_invitation
-- Lock first; two acceptances come one after the other.
select invitation_id from staff_invitations where invitation_id = $1 for update;

-- name: invitation
-- One invitation, open or not.
select invitation_id, username, person_id, role, site_id, invited_by, invited_at, expires_at, accepted_at, withdrawn_at
from staff_invitations where invitation_id = $1;

-- name: open_invitations
-- Within bounds (null: all), newest first.
select invitation.invitation_id, invitation.username, invitation.person_id, invitation.role, invitation.site_id,
       invitation.invited_by, invitation.invited_at, invitation.expires_at, invitation.accepted_at,
       invitation.withdrawn_at
from staff_invitations invitation
where invitation.accepted_at is null and invitation.withdrawn_at is null and invitation.expires_at > $2
  and ($1::uuid[] is null or invitation.site_id = any($1))
order by invitation.invited_at desc, invitation.invitation_id desc
limit 200;

-- name: accept_invitation
-- It led to this account.
update staff_invitations set accepted_at = $2, staff_id = $3 where invitation_id = $1;

-- name: withdraw_invitations_of
-- Who was closed leaves no door open behind them.
update staff_invitations set withdrawn_at = $2, withdrawn_by = $3
where invited_by = $1 and accepted_at is null and withdrawn_at is null;

-- name: withdraw_invitation
-- By an operator within whose bounds it lies.
update staff_invitations set withdrawn_at = $2, withdrawn_by = $3
where invitation_id = $1 and accepted_at is null and withdrawn_at is null
returning invitation_id;
