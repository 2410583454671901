-- name: person_of
-- The person behind a volunteer; one change at a time.
select person_id, site_id from volunteers where volunteer_id = $1 and claimed_at is not null for no key update;

-- name: keep_guardian
-- A child whose date of birth became known only now; a consent of a version never changes.
update volunteers set guardian_consent = true, version = version + 1 where volunteer_id = $1;

-- name: add_change
-- A changed phone; neither number is kept here.
insert into phone_changes (change_id, volunteer_id, changed_at, changed_by, by_staff, wrapped_key, sealed)
values ($1, $2, $3, $4, $5, $6, $7);

-- name: list_changes
-- For the volunteer to see, and for staff.
select change_id, volunteer_id, changed_at, changed_by, by_staff from phone_changes
where volunteer_id = $1 order by changed_at desc, change_id desc limit 20;

-- name: end_sessions
-- The old phone opens no session any more; staff sessions of the person have another login.
update sessions set revoked_at = $3, revoked_why = 'the phone was changed'
where person_id = $1 and staff_id is null and revoked_at is null and session_id is distinct from $2;
