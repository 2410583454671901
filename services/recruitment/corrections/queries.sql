-- name: home_site
-- The site that a member of staff belongs to, null for the centre: a second approver must be of another one.
select site_id from staff where staff_id = $1;

-- name: keep_evidence
-- What revisions rest on, sealed, in the transaction that writes them.
insert into attendance_evidence (record_id, revision, volunteer_id, wrapped_key, sealed)
select * from unnest($1::uuid[], $2::integer[], $3::uuid[], $4::bytea[], $5::bytea[]);

-- name: find_evidence
-- What a record's revisions rest on, and whom it is about, so that the reading is written down.
select e.revision, e.volunteer_id, e.wrapped_key, e.sealed, v.person_id
from attendance_evidence e join volunteers v using (volunteer_id)
where e.record_id = $1 order by e.revision;

-- name: approved_overtime
-- Overtime of a volunteer's shift so far: approved, and waiting for another site.
select coalesce((select sum(overtime_minutes) from attendance_records
                 where volunteer_id = $1 and shift_id = $2 and status <> 'void'), 0)::integer
     + coalesce((select sum(a.overtime_minutes) from attendance_approvals a join attendance_records r using (record_id)
                 where r.volunteer_id = $1 and r.shift_id = $2 and a.state = 'open'), 0)::integer;

-- name: records_of_activity
-- What voiding a whole activity concerns.
select record_id from attendance_records where activity_id = $1 and status <> 'void' order by record_id;
