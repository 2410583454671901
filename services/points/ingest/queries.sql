-- name: inputs
-- All records of the periods of the touched buckets, as a rule reads them.
select r.volunteer_id, batch.bucket, r.record_id, r.revision, r.day, r.status, r.provenance, r.started_at, r.minutes,
       r.planned_minutes, r.kind, r.theme, r.activity_id, r.approval_level
from unnest($1::uuid[], $2::text[], $3::date[], $4::date[]) as batch (volunteer_id, bucket, first, last)
join records r on r.volunteer_id = batch.volunteer_id and r.day between batch.first and batch.last;

-- name: inputs_of_activities
-- The same where a bucket is one activity of a volunteer, or (null) a day's records that belong to no activity.
select r.volunteer_id, batch.bucket, r.record_id, r.revision, r.day, r.status, r.provenance, r.started_at, r.minutes,
       r.planned_minutes, r.kind, r.theme, r.activity_id, r.approval_level
from unnest($1::uuid[], $2::text[], $3::date[], $4::date[], $5::uuid[])
    as batch (volunteer_id, bucket, first, last, activity_id)
join records r on r.volunteer_id = batch.volunteer_id and r.day between batch.first and batch.last
    and r.activity_id is not distinct from batch.activity_id;

-- name: standing_complaints
-- Complaints about any of these records or activities that were not withdrawn.
select record_id, activity_id from complaints
where withdrawn_at is null and (record_id = any($1::uuid[]) or activity_id = any($2::uuid[]));

-- name: count_flags
-- The counters of these volunteers, anew; under their locks.
update volunteers v
set standing_flags = (select count(*) from record_flags f where f.volunteer_id = v.volunteer_id and f.standing)
where v.volunteer_id = any($1::uuid[]);

-- name: standing_flags
-- The flags that stand about these volunteers' records.
select record_id, kind from record_flags where standing and volunteer_id = any($1::uuid[]);

-- name: move_flags
-- Flags go with a record that turns out to be another volunteer's.
update record_flags f set volunteer_id = b.volunteer_id, changed_in = pg_current_xact_id()
from unnest($1::uuid[], $2::uuid[]) as b (record_id, volunteer_id) where f.record_id = b.record_id;
