-- name: recent_codes
-- What this phone asked for in the window and tried in the last hour; both decide about sending another code.
select count(*) filter (where issued_at > $2) as issued, coalesce(sum(attempts), 0)::integer as attempts
from one_time_codes where phone_lookup = $1 and issued_at > $3;

-- name: lock_phone
-- Two requests for the same phone count each other's codes.
select pg_advisory_xact_lock(hashtextextended(encode($1::bytea, 'hex'), 0));

-- name: supersede_codes
-- Only the newest code of a phone is good.
update one_time_codes set superseded = true where phone_lookup = $1 and used_at is null and not superseded;

-- name: add_code
-- The digits themselves are nowhere.
insert into one_time_codes (code_id, phone_lookup, code_hash, issued_at, expires_at) values ($1, $2, $3, $4, $5);

-- name: spend_attempt
-- Counted, and committed, before the digits are looked at: guesses sent side by side cannot all be the fifth.
update one_time_codes set attempts = attempts + 1
where phone_lookup = $1 and used_at is null and not superseded and expires_at > $2
returning attempts;

-- name: use_code
-- Takes the code if everything about it is right; one statement, so it is taken once.
update one_time_codes set used_at = $3
where phone_lookup = $1 and code_hash = $2 and used_at is null and not superseded
  and expires_at > $3 and attempts <= $4
returning code_id;

-- name: add_staff
-- A second member of staff with the name is refused by the caller.
insert into staff (staff_id, username, person_id, password_hash, role, site_id, created_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (username) do nothing
returning staff_id;

-- name: say_volunteer
-- Which volunteer a member of staff is, or that they are none; by whom it was said, and when.
update staff set volunteer_id = $2, volunteer_said_by = $3, volunteer_said_at = $4 where staff_id = $1
returning username, role, site_id;

-- name: volunteer_known
-- Before a member of staff is said to be this volunteer.
select exists (select from volunteers where volunteer_id = $1);

-- name: staff_by_username
-- To verify a password; the row is locked so that attempts are counted one by one.
select staff_id, person_id, password_hash, attempts, attempted_at
from staff where username = $1 and active for update;

-- name: count_password_attempt
-- Counted before the password is verified; a pause that is over begins the count anew.
update staff
set attempts = case when attempted_at > $2::timestamptz - $3::interval then attempts + 1 else 1 end, attempted_at = $2
where staff_id = $1;

-- name: forget_password_attempts
-- The right password was given.
update staff set attempts = 0, attempted_at = null where staff_id = $1;

-- name: staff_profile
-- Who a member of staff is now, with every site at or under their own; none means all sites.
with recursive subtree as (
    select site.site_id from sites site join staff on staff.site_id = site.site_id where staff.staff_id = $1
    union all
    select child.site_id from sites child join subtree on child.parent_id = subtree.site_id
)
select staff.staff_id, staff.person_id, staff.username, staff.role, staff.volunteer_id, home.kind as site_kind,
       array(select site_id from subtree) as site_ids
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
    insert into sessions (session_id, person_id, staff_id, created_at, expires_at) values ($1, $2, $3, $4, $5)
    returning session_id
)
insert into refresh_tokens (token_hash, session_id, issued_at) select $6, session_id, $4 from session;

-- name: lock_session_of_token
-- Lock first; the token's state is read in a later statement.
select session_id from sessions
where session_id = (select session_id from refresh_tokens where token_hash = $1) for update;

-- name: refresh_state
-- Whether this token is still the good one.
select token.used_at, session.session_id, session.person_id, session.staff_id, session.expires_at, session.revoked_at
from refresh_tokens token join sessions session using (session_id)
where token.token_hash = $1;

-- name: rotate_token
-- The old one is spent, the new one takes its place.
with spent as (
    update refresh_tokens set used_at = $3 where token_hash = $1 returning session_id
)
insert into refresh_tokens (token_hash, session_id, issued_at) select $2, session_id, $3 from spent;

-- name: revoke_session
-- Reuse of a spent token, or a logout.
update sessions set revoked_at = $2, revoked_why = $3 where session_id = $1 and revoked_at is null;

-- name: purge_codes
-- Codes are by-products: gone within a day.
delete from one_time_codes where issued_at < $1;

-- name: purge_sessions
-- Ended sessions, a week later; their tokens go with them.
delete from sessions where expires_at < $1;
