-- name: find_shift
-- Whose shift it is, read before the locks to know whom and what to lock.
select s.activity_id, a.site_id, a.team_id from shifts s join activities a using (activity_id) where s.shift_id = $1;

-- name: people_of
-- Who is signed up for a shift or has an open record of it.
select volunteer_id from signups where shift_id = $1 and status = 'active'
union
select volunteer_id from attendance_records where shift_id = $1 and ended_at is null and status <> 'void'
order by volunteer_id;

-- name: lock_volunteers
-- Before the shift: everything that changes a volunteer's sign-ups or attendance queues here.
select volunteer_id from volunteers where volunteer_id = any($1::uuid[]) order by volunteer_id for no key update;

-- name: attended
-- Whether a volunteer checked in to these shifts, and until when their closed records run.
select count(*) > 0 as attended, max(ended_at) as counted_until from attendance_records
where shift_id = any($1::uuid[]) and status <> 'void';

-- name: overlapping
-- Volunteers of a shift who are signed up elsewhere for a time that shares some with [$2, $3).
select count(distinct g.volunteer_id) from signups g join shifts s using (shift_id)
where g.status = 'active' and g.shift_id <> $1 and s.cancelled_at is null and s.starts_at < $3 and s.ends_at > $2
  and g.volunteer_id in (select volunteer_id from signups where shift_id = $1 and status = 'active');

-- name: update_shift
-- Under the locks of the shift and of its volunteers.
update shifts set starts_at = $2, ends_at = $3, capacity = $4, published_at = $5, withdraw_minutes = $6
where shift_id = $1;

-- name: call_off
-- Once: a shift that was called off stays so.
update shifts set ends_at = $2, cancelled_at = $3, cancelled_by = $4, cancel_reason = $5
where shift_id = $1 and cancelled_at is null;

-- name: end_signups
-- The sign-ups of those who have not come end with the shift; their places are released in the same statement.
with ended as (
    update signups g set status = 'cancelled', cancelled_by = $2, cancelled_at = $3, version = version + 1
    where shift_id = $1 and status = 'active' and not exists (
        select from attendance_records r
        where r.volunteer_id = g.volunteer_id and r.shift_id = g.shift_id and r.status <> 'void')
    returning signup_id, volunteer_id, version
), counted as (
    update shifts set taken = taken - (select count(*) from ended) where shift_id = $1
)
select signup_id, volunteer_id, version from ended order by volunteer_id;

-- name: update_activity
-- The next version with what was edited; a concurrent change leaves nothing to update.
update activities
set title = $3, theme_id = $4, team_id = $5, site_id = $6, project_id = $7, kind = $8, place = $9, beneficiaries = $10,
    content = $11, person_in_charge = $12, residents_served = $13, note = $14, starts_at = $15, version = $2
where activity_id = $1 and version = $2 - 1
returning version;

-- name: republish
-- Shifts that another team or site now answers for are published anew.
update shifts set published_at = $2 where activity_id = $1 and published_at is not null;
