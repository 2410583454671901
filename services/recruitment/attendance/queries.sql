-- name: lock_volunteer
-- Everything that changes a volunteer's attendance queues here first; the drive that recruited them never changes.
select volunteer_id, drive_id, (select max(version) from consents where volunteer_id = $1) as accepted
from volunteers where volunteer_id = $1 for no key update;

-- name: lock_volunteers
-- Several at once, in the order of their ids, so that two batches cannot wait for each other.
select volunteer_id, drive_id from volunteers where volunteer_id = any($1::uuid[]) order by volunteer_id for no key update;

-- name: lock_idle_volunteers
-- For the timer: volunteers locked right now are left for the next round.
select volunteer_id from volunteers where volunteer_id = any($1::uuid[])
order by volunteer_id for no key update skip locked;

-- name: find_place
-- The shift that a volunteer wants to check in to or out of, whether they signed up for it, and whether they lead its team.
-- Business time comes along, read after the volunteer's lock, and whether records_around has any: two round trips less at
-- the busiest moment of a shift.
with clock as materialized (select business.now() as now)
select clock.now, s.shift_id, s.activity_id, s.starts_at, s.ends_at, s.capacity, s.taken, s.secret, a.state, a.site_id, a.team_id,
       t.name as theme, a.kind, s.published_at, s.cancelled_at,
       exists (
           select from signups g where g.shift_id = s.shift_id and g.volunteer_id = $2 and g.status = 'active'
       ) as signed_up,
       exists (select from teams where teams.team_id = a.team_id and teams.leader_volunteer_id = $2) as leads,
       exists (
           select from attendance_records r
           where r.volunteer_id = $2 and r.status <> 'void'
             and (r.started_at > clock.now - interval '2 days' or r.shift_id = s.shift_id)
       ) as recorded
from clock cross join shifts s join activities a using (activity_id) join themes t using (theme_id)
where s.shift_id = $1;

-- name: runs_as_staff
-- Whether the volunteer has an active account of staff whose site is this one or above it, or the centre's.
with recursive above as (
    select site_id, parent_id from sites where site_id = $2
    union all
    select site.site_id, site.parent_id from sites site join above on site.site_id = above.parent_id
)
select exists (
    select from staff join volunteers own on own.volunteer_id = $1
    where staff.active and staff.role not in ('engineer', 'auditor')
      and (staff.volunteer_id = own.volunteer_id or staff.person_id = own.person_id)
      and (staff.site_id is null or staff.site_id in (select site_id from above))
);

-- name: find_secret
-- To change a code for a ticket: strangers ask this, so it is one read by key.
select secret from shifts where shift_id = $1;

-- name: bind_ticket
-- The first volunteer to use a ticket keeps it. The update changes nothing: it makes the row come back, and makes two who
-- come at once wait for each other. If the first is refused after all, its binding is rolled back and the second gets it.
insert into attendance_tickets (ticket_id, shift_id, volunteer_id, bound_at) values ($1, $2, $3, $4)
on conflict (ticket_id) do update set volunteer_id = attendance_tickets.volunteer_id
returning volunteer_id;

-- name: forget_tickets
-- Who used a ticket matters while the ticket lives.
delete from attendance_tickets where bound_at < $1;

-- name: keep_check_out
-- The session behind the latest check-out of a record; the volunteer is locked.
insert into attendance_check_outs (record_id, revision, session_id, made_at) values ($1, $2, $3, $4)
on conflict (record_id) do update
set revision = excluded.revision, session_id = excluded.session_id, made_at = excluded.made_at;

-- name: checked_out_by
-- To compare the session that undoes with the one that checked out, and the revision with the record's.
select exists (select from attendance_check_outs where record_id = $1 and revision = $2 and session_id = $3);

-- name: forget_check_outs
-- A check-out is undone within minutes or never.
delete from attendance_check_outs where made_at < $1;

-- name: find_places
-- The shifts that a batch names.
select s.shift_id, s.activity_id, s.starts_at, s.ends_at, s.capacity, s.taken, a.state, a.site_id, a.team_id,
       t.name as theme, a.kind, s.published_at, s.cancelled_at
from shifts s join activities a using (activity_id) join themes t using (theme_id)
where s.shift_id = any($1::uuid[]);

-- name: records_around
-- A volunteer's records of one shift, and those near an instant; nothing is longer than a day, open ones included.
select r.record_id, r.revision, r.volunteer_id, r.activity_id, r.shift_id, r.site_id, r.team_id, r.drive_id, r.theme, r.kind,
       r.provenance, r.closed_by, r.status, r.started_at, r.ended_at, r.minutes, r.planned_minutes, r.recorded_by,
       r.recorder_site_id, r.device_ref, r.approval_level, r.distance_m, r.overtime_minutes, r.linked_record_id, least(s.ends_at, s.cancelled_at) as shift_ends_at
from attendance_records r left join shifts s using (shift_id)
where r.volunteer_id = $1 and r.status <> 'void' and (r.started_at > $3::timestamptz - interval '2 days' or r.shift_id = $2)
order by r.started_at, r.record_id;

-- name: busy_between
-- What keeps these volunteers busy between two instants.
select r.volunteer_id, r.record_id, r.shift_id, r.started_at, r.ended_at, least(s.ends_at, s.cancelled_at) as shift_ends_at
from attendance_records r left join shifts s using (shift_id)
where r.volunteer_id = any($1::uuid[]) and r.status <> 'void'
  and r.started_at > $2::timestamptz - interval '2 days' and r.started_at < $3
order by r.volunteer_id, r.started_at, r.record_id;

-- name: save_revisions
-- The next revision of any number of records, set-based: the record and its history in one statement. What is returned
-- was written; a record that has moved on meanwhile, or exists already, is left alone.
with given as (
    select * from unnest(
        $1::uuid[], $2::integer[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $9::text[],
        $10::text[], $11::text[], $12::text[], $13::text[], $14::timestamptz[], $15::timestamptz[], $16::integer[],
        $17::integer[], $18::uuid[], $19::uuid[], $20::text[], $21::text[], $22::integer[], $23::integer[], $24::uuid[],
        $25::text[], $26::uuid[], $27::text[]
    ) as r (record_id, revision, volunteer_id, activity_id, shift_id, site_id, team_id, drive_id, theme, kind, provenance,
            closed_by, status, started_at, ended_at, minutes, planned_minutes, recorded_by, recorder_site_id, device_ref,
            approval_level, distance_m, overtime_minutes, linked_record_id, change, made_by, reason)
), written as (
    insert into attendance_records (
        record_id, revision, volunteer_id, activity_id, shift_id, site_id, team_id, drive_id, theme, kind, provenance,
        closed_by, status, started_at, ended_at, minutes, planned_minutes, recorded_by, recorder_site_id, device_ref,
        approval_level, distance_m, overtime_minutes, linked_record_id, recorded_at)
    select record_id, revision, volunteer_id, activity_id, shift_id, site_id, team_id, drive_id, theme, kind, provenance,
           closed_by, status, started_at, ended_at, minutes, planned_minutes, recorded_by, recorder_site_id, device_ref,
           approval_level, distance_m, overtime_minutes, linked_record_id, $28
    from given
    on conflict (record_id) do update
    set revision = excluded.revision, closed_by = excluded.closed_by, status = excluded.status,
        started_at = excluded.started_at, ended_at = excluded.ended_at, minutes = excluded.minutes,
        recorded_by = excluded.recorded_by, recorder_site_id = excluded.recorder_site_id, device_ref = excluded.device_ref,
        approval_level = excluded.approval_level, overtime_minutes = excluded.overtime_minutes,
        recorded_at = excluded.recorded_at
    where attendance_records.revision = excluded.revision - 1
    returning attendance_records.record_id, attendance_records.revision
)
insert into attendance_revisions (
    record_id, revision, volunteer_id, activity_id, shift_id, site_id, team_id, drive_id, theme, kind, provenance, closed_by,
    status, started_at, ended_at, minutes, planned_minutes, recorded_by, recorder_site_id, device_ref, approval_level,
    distance_m, overtime_minutes, linked_record_id, change, made_by, reason, recorded_at)
select record_id, revision, volunteer_id, activity_id, shift_id, site_id, team_id, drive_id, theme, kind, provenance, closed_by,
       status, started_at, ended_at, minutes, planned_minutes, recorded_by, recorder_site_id, device_ref, approval_level,
       distance_m, overtime_minutes, linked_record_id, change, made_by, reason, $28
from given join written using (record_id, revision)
returning record_id;

-- name: save_revision
-- One revision, as every check-in and check-out has: scalars cost both sides half of what arrays of one element do.
with written as (
    insert into attendance_records (
        record_id, revision, volunteer_id, activity_id, shift_id, site_id, team_id, drive_id, theme, kind, provenance,
        closed_by, status, started_at, ended_at, minutes, planned_minutes, recorded_by, recorder_site_id, device_ref,
        approval_level, distance_m, overtime_minutes, linked_record_id, recorded_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $28)
    on conflict (record_id) do update
    set revision = excluded.revision, closed_by = excluded.closed_by, status = excluded.status,
        started_at = excluded.started_at, ended_at = excluded.ended_at, minutes = excluded.minutes,
        recorded_by = excluded.recorded_by, recorder_site_id = excluded.recorder_site_id, device_ref = excluded.device_ref,
        approval_level = excluded.approval_level, overtime_minutes = excluded.overtime_minutes,
        recorded_at = excluded.recorded_at
    where attendance_records.revision = excluded.revision - 1
    returning record_id
)
insert into attendance_revisions (
    record_id, revision, volunteer_id, activity_id, shift_id, site_id, team_id, drive_id, theme, kind, provenance, closed_by,
    status, started_at, ended_at, minutes, planned_minutes, recorded_by, recorder_site_id, device_ref, approval_level,
    distance_m, overtime_minutes, linked_record_id, change, made_by, reason, recorded_at)
select record_id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26,
       $27, $28
from written
returning record_id;

-- name: find_record
-- One record as it stands: to learn whom to lock, again under the lock, and to show it.
select record_id, revision, volunteer_id, activity_id, shift_id, site_id, team_id, drive_id, theme, kind, provenance,
       closed_by, status, started_at, ended_at, minutes, planned_minutes, recorded_by, recorder_site_id, device_ref,
       approval_level, distance_m, overtime_minutes, linked_record_id
from attendance_records where record_id = $1;

-- name: find_records
-- Several records as they stand; their volunteers are locked.
select record_id, revision, volunteer_id, activity_id, shift_id, site_id, team_id, drive_id, theme, kind, provenance,
       closed_by, status, started_at, ended_at, minutes, planned_minutes, recorded_by, recorder_site_id, device_ref,
       approval_level, distance_m, overtime_minutes, linked_record_id
from attendance_records where record_id = any($1::uuid[]);

-- name: find_revisions
-- How a record came to be what it is, oldest first.
select revision, change, status, provenance, closed_by, started_at, ended_at, minutes, approval_level, recorded_by,
       device_ref, made_by, reason, recorded_at
from attendance_revisions where record_id = $1 order by revision;

-- name: list_records
-- Records of a volunteer, a shift or a status, newest first by keyset, within the sites and teams that the caller may see.
-- A null list of sites means all; one's own records are always one's own to see.
select r.record_id, r.revision, r.volunteer_id, r.activity_id, r.shift_id, r.site_id, r.team_id, r.drive_id, r.theme, r.kind,
       r.provenance, r.closed_by, r.status, r.started_at, r.ended_at, r.minutes, r.planned_minutes, r.recorded_by,
       r.recorder_site_id, r.device_ref, r.approval_level, r.distance_m, r.overtime_minutes, r.linked_record_id, a.title as activity_title, si.name as site_name,
       v.volunteer_number, coalesce(w.reasons, '{}') as waits_for,
       case when s.cancelled_at is null and r.ended_at > s.ends_at then
           greatest(0, floor(extract(epoch from r.ended_at - greatest(s.ends_at, r.started_at)) / 60)::integer - r.overtime_minutes)
       else 0 end as stayed_minutes, said.answer, said.left_at,
       (select max(h.recorded_at) from attendance_revisions h
        where h.record_id = r.record_id and h.made_by <> r.volunteer_id and h.change not in ('void', 'reject')) as asserted_at
from attendance_records r
join volunteers v using (volunteer_id)
left join shifts s on s.shift_id = r.shift_id
left join activities a on a.activity_id = r.activity_id
left join sites si on si.site_id = r.site_id
left join attendance_approvals w on w.record_id = r.record_id and w.state = 'open'
left join closing_answers said on said.record_id = r.record_id and r.closed_by = 'auto'
where ($1::uuid is null or r.volunteer_id = $1)
  and ($2::uuid is null or r.shift_id = $2)
  and ($3::text is null or r.status = $3)
  and (r.volunteer_id = $4 or $5::boolean or r.site_id = any($6::uuid[]) or r.team_id = any($7::uuid[]))
  and ($11::text is null or w.record_id is null and (
    $11 = 'confirm' and r.status = 'provisional' and (r.closed_by = 'auto' or r.provenance = 'leader' and r.closed_by = 'self')
    or $11 = 'overtime' and r.status = 'confirmed' and r.provenance not in ('backfilled', 'imported')
       and s.cancelled_at is null and r.ended_at >= s.ends_at + make_interval(mins => r.overtime_minutes + 1)))
  and ($8::timestamptz is null or (r.started_at, r.record_id) < ($8, $9::uuid))
order by r.started_at desc, r.record_id desc
limit $10;

-- name: overdue_volunteers
-- Who has an open record whose shift ended long enough ago; a bounded batch, read without a lock and checked again.
select distinct r.volunteer_id
from attendance_records r join shifts s using (shift_id)
where r.ended_at is null and r.status <> 'void' and least(s.ends_at, s.cancelled_at) <= $1
order by r.volunteer_id
limit $2;

-- name: open_records_of
-- The open records of volunteers that are locked now, with their shifts.
select r.record_id, r.revision, r.volunteer_id, r.activity_id, r.shift_id, r.site_id, r.team_id, r.drive_id, r.theme, r.kind,
       r.provenance, r.closed_by, r.status, r.started_at, r.ended_at, r.minutes, r.planned_minutes, r.recorded_by,
       r.recorder_site_id, r.device_ref, r.approval_level, r.distance_m, r.overtime_minutes, r.linked_record_id,
       s.starts_at as shift_starts_at, s.ends_at as shift_ends_at, s.cancelled_at as shift_cancelled_at, s.capacity as shift_capacity
from attendance_records r join shifts s using (shift_id)
where r.volunteer_id = any($1::uuid[]) and r.ended_at is null and r.status <> 'void'
order by r.volunteer_id, r.started_at;

-- name: withdraw_approvals
-- What waited for another site no longer does: the record was voided, or a real check-out took its place.
update attendance_approvals set state = 'withdrawn', decided_at = $2, decided_by = $3
where record_id = any($1::uuid[]) and state = 'open';

-- name: find_waiting
-- Why a record waits for another site, for showing it; no row when it does not.
select reasons from attendance_approvals where record_id = $1 and state = 'open';

-- name: staff_of_site
-- The staff who are asked about records that were closed automatically: of the site, else of the nearest one above it that
-- has any, else of the centre.
with recursive above as (
    select site_id, parent_id, 0 as height from sites where site_id = $1
    union all
    select site.site_id, site.parent_id, above.height + 1 from sites site join above on site.site_id = above.parent_id
), asked as (
    select staff.staff_id, above.height from staff join above using (site_id)
    where staff.active and staff.role in ('station', 'operator')
    union all
    select staff_id, 1000 from staff where site_id is null and active and role = 'operator'
)
select staff_id from asked where height = (select min(height) from asked) order by staff_id limit 50;
