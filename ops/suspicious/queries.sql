-- name: stretched
-- Corrections that made a record longer than its first closed content, or moved it outside of that.
select c.record_id, c.volunteer_id, c.site_id, c.made_by as account, c.started_at, c.minutes,
       c.minutes - f.minutes as excess
from recruitment.attendance_revisions c
join recruitment.attendance_records r using (record_id)
join lateral (
    select minutes, started_at, ended_at from recruitment.attendance_revisions f
    where f.record_id = c.record_id and f.revision < c.revision and f.ended_at is not null order by f.revision limit 1
) f on true
where c.change = 'correct' and r.status <> 'void'
  and (c.minutes > f.minutes or c.started_at < f.started_at or c.ended_at > f.ended_at)
order by c.started_at, c.record_id;

-- name: new_device
-- Confirmed rows of a device that was registered less than a day before the shift, which no other site approved.
select r.record_id, r.volunteer_id, r.site_id, r.recorded_by as account, r.started_at, r.minutes,
       (extract(epoch from s.starts_at - d.registered_at) / 60)::bigint as excess
from recruitment.attendance_records r
join recruitment.shifts s using (shift_id)
join recruitment.devices d on d.device_id::text = r.device_ref
where r.status = 'confirmed' and r.provenance in ('kiosk', 'leader') and d.registered_at > s.starts_at - interval '24 hours'
  and not exists (select from recruitment.attendance_approvals a where a.record_id = r.record_id and a.state = 'approved')
order by r.started_at, r.record_id;

-- name: late_shift
-- Confirmed rows of shifts that were planned after they had begun, which no other site approved.
select r.record_id, r.volunteer_id, r.site_id, r.recorded_by as account, r.started_at, r.minutes,
       (extract(epoch from s.published_at - s.starts_at) / 60)::bigint as excess
from recruitment.attendance_records r join recruitment.shifts s using (shift_id)
where r.status = 'confirmed' and r.provenance in ('kiosk', 'leader') and s.published_at > s.starts_at
  and not exists (select from recruitment.attendance_approvals a where a.record_id = r.record_id and a.state = 'approved')
order by r.started_at, r.record_id;

-- name: late_volunteer
-- Confirmed rows of people who registered after the shift had begun, which no other site approved.
select r.record_id, r.volunteer_id, r.site_id, r.recorded_by as account, r.started_at, r.minutes,
       (extract(epoch from v.registered_at - s.starts_at) / 60)::bigint as excess
from recruitment.attendance_records r
join recruitment.shifts s using (shift_id)
join recruitment.volunteers v on v.volunteer_id = r.volunteer_id
where r.status = 'confirmed' and r.provenance in ('kiosk', 'leader') and v.registered_at > s.starts_at
  and not exists (select from recruitment.attendance_approvals a where a.record_id = r.record_id and a.state = 'approved')
order by r.started_at, r.record_id;

-- name: same_site
-- Entered hours whose only approval came from the site, or the centre's account, that entered them.
select r.record_id, r.volunteer_id, r.site_id, c.made_by as account, r.started_at, r.minutes, null::bigint as excess
from recruitment.attendance_records r
join recruitment.attendance_revisions c on c.record_id = r.record_id and c.change = 'confirm'
join recruitment.attendance_revisions e on e.record_id = r.record_id and e.revision = 1
join recruitment.staff approver on approver.staff_id = c.made_by
join recruitment.staff entering on entering.staff_id = e.made_by
where r.status = 'confirmed' and r.provenance = 'backfilled' and approver.site_id is not distinct from entering.site_id
order by r.started_at, r.record_id;

-- name: long_day
-- More than $1 minutes of one volunteer's day on one account's word, which no other site approved.
select null::uuid as record_id, r.volunteer_id, min(r.site_id::text)::uuid as site_id, r.recorded_by as account,
       min(r.started_at) as started_at, sum(r.minutes)::integer as minutes, sum(r.minutes) - $1::bigint as excess
from recruitment.attendance_records r
where r.status = 'confirmed' and r.provenance in ('kiosk', 'leader') and r.recorded_by is not null
  and not exists (select from recruitment.attendance_approvals a where a.record_id = r.record_id and a.state = 'approved')
group by r.volunteer_id, r.recorded_by, (r.started_at at time zone 'Asia/Shanghai')::date
having sum(r.minutes) > $1
order by 5, 2;
