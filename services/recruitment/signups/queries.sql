-- name: lock_volunteer
-- Everything that changes a volunteer's sign-ups or attendance queues here first. Not "for update": foreign keys pass.
select volunteer_id from volunteers where volunteer_id = $1 for no key update;

-- name: lock_volunteers
-- Several at once, in the order of their ids, so that two calls cannot wait for each other.
select volunteer_id from volunteers where volunteer_id = any($1::uuid[]) order by volunteer_id for no key update;

-- name: lock_shift
-- After the volunteer: places of one shift are given out one by one.
select shift_id from shifts where shift_id = $1 for no key update;

-- name: find_placing
-- What deciding on a sign-up needs, read after the locks in a statement of its own.
select s.shift_id, s.activity_id, s.starts_at, s.ends_at, s.capacity, s.taken, s.withdraw_minutes, s.cancelled_at, s.published_at,
       a.state, a.title, a.site_id, a.team_id
from shifts s join activities a using (activity_id) where s.shift_id = $1;

-- name: find_held
-- Places that the volunteer holds in this shift or in one that shares time with it.
select g.signup_id, g.shift_id, s.starts_at, s.ends_at
from signups g join shifts s using (shift_id)
where g.volunteer_id = $1 and g.status = 'active'
  and (g.shift_id = $2 or (s.cancelled_at is null and s.starts_at < $4 and s.ends_at > $3));

-- name: insert_signup
-- A place taken: the sign-up and the shift's count in one statement; the constraint on the count cannot be passed.
with placed as (
    insert into signups (signup_id, shift_id, volunteer_id, status, source, placed_by, placed_at)
    values ($1, $2, $3, 'active', $4, $5, $6)
    returning shift_id
)
update shifts set taken = taken + 1 from placed where shifts.shift_id = placed.shift_id returning shifts.taken;

-- name: find_signup
-- One sign-up with its shift; read without a lock to learn whom to lock, and again under the locks.
select g.signup_id, g.shift_id, g.volunteer_id, g.status, g.source, g.placed_by, g.placed_at, g.cancelled_by,
       g.cancelled_at, g.version, g.late, s.activity_id, s.starts_at, s.ends_at, s.capacity, s.taken, s.withdraw_minutes,
       a.site_id, a.team_id,
       exists (
           select from attendance_records r
           where r.volunteer_id = g.volunteer_id and r.shift_id = g.shift_id and r.status <> 'void'
       ) as attended
from signups g join shifts s using (shift_id) join activities a using (activity_id)
where g.signup_id = $1;

-- name: cancel_signup
-- The place goes back to the shift in the same statement.
with cancelled as (
    update signups set status = 'cancelled', cancelled_by = $2, cancelled_at = $3, version = $4, late = $5
    where signup_id = $1 and version = $4 - 1
    returning shift_id
)
update shifts set taken = taken - 1 from cancelled where shifts.shift_id = cancelled.shift_id returning shifts.taken;

-- name: list_signups
-- A volunteer's sign-ups, newest first by keyset.
select g.signup_id, g.shift_id, g.volunteer_id, g.status, g.source, g.placed_at, g.cancelled_at, s.activity_id, a.title,
       a.place, a.site_id, si.name as site_name, s.starts_at, s.ends_at, s.withdraw_minutes
from signups g join shifts s using (shift_id) join activities a using (activity_id) join sites si on si.site_id = a.site_id
where g.volunteer_id = $1 and ($2::text is null or g.status = $2) and ($3::uuid is null or g.signup_id < $3)
order by g.signup_id desc
limit $4;

-- name: roster
-- Who has a place in a shift or came without one, by number; names stay in the vault.
select v.volunteer_id, v.person_id, v.volunteer_number, g.signup_id, g.source, r.record_id, r.status as record_status, r.provenance,
       r.started_at, r.ended_at, r.minutes
from volunteers v
left join signups g on g.volunteer_id = v.volunteer_id and g.shift_id = $1 and g.status = 'active'
left join attendance_records r on r.volunteer_id = v.volunteer_id and r.shift_id = $1
where v.volunteer_id in (
    select volunteer_id from signups where shift_id = $1 and status = 'active'
    union
    select volunteer_id from attendance_records where shift_id = $1
)
order by v.volunteer_number, r.started_at;

-- name: find_reliability
-- Places since $2 that a volunteer did not use: no attendance though the shift is over, or released late.
select count(*) filter (where g.status = 'active') as missed, count(*) filter (where g.late) as late,
       max(s.ends_at) as last_at
from signups g join shifts s using (shift_id)
where g.volunteer_id = $1 and s.starts_at >= $2 and s.cancelled_at is null and (g.late or (
    g.status = 'active' and s.ends_at <= $3 and not exists (
        select from attendance_records r
        where r.volunteer_id = g.volunteer_id and r.shift_id = g.shift_id and r.status <> 'void')));
