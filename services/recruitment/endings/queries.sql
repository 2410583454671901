-- name: absent
-- The sign-ups that end with their shifts: those without a record that counts.
select g.signup_id from signups g
where g.shift_id = any($1::uuid[]) and g.status = 'active' and not exists (
    select from attendance_records r
    where r.volunteer_id = g.volunteer_id and r.shift_id = g.shift_id and r.status <> 'void')
order by g.signup_id;

-- name: entries
-- The places in waitlists that end with the shifts.
select entry_id from waitlist_entries where shift_id = any($1::uuid[]) and status in ('waiting', 'offered')
order by entry_id;

-- name: records
-- The records of the shifts that are not void, as the preview sums them up.
select record_id, revision, shift_id, status, started_at, ended_at, minutes from attendance_records
where shift_id = any($1::uuid[]) and status <> 'void' order by record_id;

-- name: people
-- The volunteers to lock before the shifts: signed up, or with an open record.
select volunteer_id from signups where shift_id = any($1::uuid[]) and status = 'active'
union
select volunteer_id from attendance_records where shift_id = any($1::uuid[]) and ended_at is null and status <> 'void'
order by volunteer_id;
