-- name: figures
-- What a project has done: activities that were held or are open, those called off aside; residents and confirmed services.
select count(*) as activities, coalesce(sum(a.residents_served), 0)::bigint as residents_served,
       (select count(distinct (r.volunteer_id, r.shift_id)) from attendance_records r join activities b using (activity_id)
        where b.project_id = $1 and r.status = 'confirmed') as services
from activities a
where a.project_id = $1 and a.opened_at is not null and exists (
    select from shifts s where s.activity_id = a.activity_id and (s.cancelled_at is null or s.cancelled_at > s.starts_at));

-- name: coming
-- Shifts of a project that can still be joined, the next first.
select s.shift_id, a.activity_id, a.title, a.place, a.site_id, s.starts_at, s.ends_at, s.capacity - s.taken as free
from shifts s join activities a using (activity_id)
where a.project_id = $1 and a.state = 'open' and s.cancelled_at is null and s.ends_at > $2
order by s.starts_at, s.shift_id limit $3;

-- name: held
-- Activities of a project that began, the latest first.
select a.activity_id, a.title, a.place, a.site_id, a.starts_at, a.residents_served from activities a
where a.project_id = $1 and a.opened_at is not null and a.starts_at <= $2 and exists (
    select from shifts s where s.activity_id = a.activity_id and (s.cancelled_at is null or s.cancelled_at > s.starts_at))
order by a.starts_at desc, a.activity_id desc limit $3;
