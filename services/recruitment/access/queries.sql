-- name: browser_knows_phone
-- Whether this browser was logged in with the phone before: its owner's own tries are counted apart from strangers'.
select exists (
    select from sessions session join vault_people person using (person_id)
    where person.phone_lookup = any($1::bytea[]) and session.binding = $2 and session.staff_id is null
);

-- name: add_code
-- The digits themselves are nowhere; codes of other browsers stay as they are.
insert into one_time_codes (code_id, phone_lookup, code_hash, issued_at, expires_at, purpose)
values ($1, $2, $3, $4, $5, $6);

-- name: spend_attempt
-- Counted, and committed, before the digits are checked: guesses sent side by side cannot all be the fifth.
update one_time_codes set attempts = attempts + 1
where code_id = $1 and used_at is null and expires_at > $2
returning attempts;

-- name: use_code
-- Takes the code if everything about it is right; one statement, so it is taken once.
update one_time_codes set used_at = $5
where code_id = $1 and phone_lookup = $2 and code_hash = $3 and purpose = $4 and used_at is null
  and expires_at > $5 and attempts <= $6
returning code_id;

-- name: staff_profile
-- Who a member of staff is now, with every site at or under their own; none means all sites. Their own volunteer is the one
-- that was said, or else the one that the same person registered, whenever that was.
with recursive subtree as (
    select site.site_id from sites site join staff on staff.site_id = site.site_id where staff.staff_id = $1
    union all
    select child.site_id from sites child join subtree on child.parent_id = subtree.site_id
)
select staff.staff_id, staff.person_id, staff.username, staff.role, home.kind as site_kind,
       coalesce(staff.volunteer_id, (select own.volunteer_id from volunteers own where own.person_id = staff.person_id)) as volunteer_id,
       array(select site_id from subtree) as site_ids, staff.created_at, staff.origin, staff.created_by, staff.activated_by, staff.reset_by,
       exists (
           select from staff_second_factors factor
           where factor.staff_id = staff.staff_id and factor.confirmed_at is not null
       ) as has_second_factor
from staff left join sites home on home.site_id = staff.site_id
where staff.staff_id = $1 and staff.active;

-- name: person_profile
-- What a person is now: resident always, volunteer and leader when the rows say so.
select person.person_id, person.resident_id, volunteer.volunteer_id, volunteer.volunteer_number, volunteer.claimed_at,
       array(select team_id from teams
             where teams.leader_volunteer_id = volunteer.volunteer_id and teams.closed_at is null) as team_ids
from vault_people person
left join volunteers volunteer on volunteer.person_id = person.person_id
where person.person_id = $1;

-- name: add_session
-- The login and the first of its refresh tokens in one statement.
with session as (
    insert into sessions
        (session_id, person_id, staff_id, created_at, expires_at, binding, address, agent, last_used_at)
    values ($1, $2, $3, $4, $5, $7, $8, $9, $4)
    returning session_id
)
insert into refresh_tokens (token_hash, session_id, issued_at) select $6, session_id, $4 from session;

-- name: lock_session_of_token
-- Lock first; the token's state is read in a later statement.
select session_id from sessions
where session_id = (select session_id from refresh_tokens where token_hash = $1) for update;

-- name: refresh_state
-- Whether this token is still the good one.
select token.used_at, session.session_id, session.person_id, session.staff_id, session.expires_at, session.revoked_at,
       session.binding
from refresh_tokens token join sessions session using (session_id)
where token.token_hash = $1;

-- name: rotate_token
-- The old one is spent, the new one takes its place.
with spent as (
    update refresh_tokens set used_at = $3 where token_hash = $1 returning session_id
), seen as (
    update sessions set last_used_at = $3, address = $4 where session_id = (select session_id from spent)
)
insert into refresh_tokens (token_hash, session_id, issued_at) select $2, session_id, $3 from spent;

-- name: token_used
-- Whether a successor was spent as well: then its own successor is the newest.
select used_at is not null from refresh_tokens where token_hash = $1;

-- name: revoke_session
-- Reuse of a spent token, or a logout.
update sessions set revoked_at = $2, revoked_why = $3 where session_id = $1 and revoked_at is null returning person_id;

-- name: revoke_sessions_of_staff
-- A changed password or a closed account ends every session but the one named.
update sessions set revoked_at = $2, revoked_why = $3
where staff_id = $1 and revoked_at is null and session_id is distinct from $4;

-- name: is_live
-- Tokens cannot be called back; what changes accounts asks whether their session has ended.
select exists (select from sessions where session_id = $1 and revoked_at is null);

-- name: end_steps_of_staff
-- Sign-ins that wait for a second factor: the password that began them is no longer good.
delete from sign_in_steps where staff_id = $1;

-- name: own_sessions
-- What the holder of a session sees: the open ones of the same account.
select session.session_id, session.created_at, session.last_used_at, session.expires_at, session.address, session.agent
from sessions session
join sessions own on own.session_id = $1
where session.person_id = own.person_id and session.staff_id is not distinct from own.staff_id
  and session.revoked_at is null and session.expires_at > $2 and own.revoked_at is null
order by session.created_at desc, session.session_id desc
limit 100;

-- name: end_own_sessions
-- One session of the same account, or without a name all others.
update sessions session set revoked_at = $3, revoked_why = 'ended by the holder'
from sessions own
where own.session_id = $1 and own.revoked_at is null
  and session.person_id = own.person_id and session.staff_id is not distinct from own.staff_id
  and session.revoked_at is null
  and case when $2::uuid is null then session.session_id <> $1 else session.session_id = $2 end
returning session.session_id;

-- name: purge_codes
-- Codes are by-products: gone within a day.
delete from one_time_codes where issued_at < $1;

-- name: purge_sessions
-- Ended sessions, a week later; their tokens go with them.
delete from sessions where expires_at < $1;
