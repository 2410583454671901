-- name: list_schedule
-- Shifts that overlap a period and that the caller runs (everywhere, at a site, or of a team), with their roster counted.
select s.shift_id, s.activity_id, a.title, a.kind, a.place, a.state, a.site_id, si.name as site_name, a.team_id,
       te.name as team_name, s.starts_at, s.ends_at, s.cancelled_at, s.capacity, s.taken, r.attended, r.present, r.to_confirm,
       r.overtime, (
           select count(*) from signups g
           where g.shift_id = s.shift_id and g.status = 'active' and not exists (
               select from attendance_records own
               where own.shift_id = g.shift_id and own.volunteer_id = g.volunteer_id and own.status <> 'void')
       ) as absent
from shifts s
join activities a using (activity_id)
join sites si on si.site_id = a.site_id
join teams te on te.team_id = a.team_id
cross join lateral (
    select count(distinct e.volunteer_id) as attended, count(*) filter (where e.ended_at is null) as present,
           count(*) filter (where e.status = 'provisional' and (e.closed_by = 'auto' or e.provenance = 'leader' and e.closed_by = 'self')
               and w.record_id is null) as to_confirm,
           count(*) filter (
               where e.status = 'confirmed' and e.provenance not in ('backfilled', 'imported') and w.record_id is null
                 and e.ended_at >= s.ends_at + make_interval(mins => e.overtime_minutes + 1)) as overtime
    from attendance_records e left join attendance_approvals w on w.record_id = e.record_id and w.state = 'open'
    where e.shift_id = s.shift_id and e.status <> 'void'
) r
where s.starts_at < $2 and s.starts_at > $1::timestamptz - interval '1 day' and s.ends_at > $1
  and ($3::uuid is null or a.site_id = $3) and ($4::uuid is null or a.team_id = $4)
  and ($5::boolean or a.site_id = any($6::uuid[]) or a.team_id = any($7::uuid[]))
  and ($8::timestamptz is null or (s.starts_at, s.shift_id) > ($8, $9::uuid))
order by s.starts_at, s.shift_id
limit $10;
