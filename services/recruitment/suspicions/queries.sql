-- name: volunteers
-- Whom to lock before records of a case are changed.
select distinct volunteer_id from attendance_records where record_id = any($1::uuid[]) order by volunteer_id;

-- name: remember
-- A case proposes each record once; read under the volunteers' locks.
insert into suspicions (case_id, record_id, settled_by, proposed_at)
select $1, record_id, $3, business.now() from attendance_records where record_id = any($2::uuid[]) order by record_id
on conflict (case_id, record_id) do nothing returning record_id;

-- name: keep_from_deciding
-- The account that settled the case had a hand in it; its site, mostly the centre, may decide by another person.
update attendance_approvals set claimant_ids = claimant_ids || $1::uuid
where record_id = any($2::uuid[]) and state = 'open' and not $1 = any(claimant_ids);
