-- name: keep_others_out
-- Who records or withdraws a complaint waits for every batch that is being decided, and new ones wait for it: else a record
-- that arrives at the same time would be judged without the complaint. The lock of the rules comes first, as for them.
select pg_advisory_xact_lock_shared(hashtext('points/rules')), pg_advisory_xact_lock(hashtext('points/complaints'));

-- name: record_known
-- A complaint about a record is about one that points has seen.
select exists (select from records where record_id = $1);

-- name: insert
-- A complaint as it was recorded.
insert into complaints (complaint_id, activity_id, record_id, reason, recorded_by, recorded_at)
values ($1, $2, $3, $4, $5, $6);

-- name: find
-- One complaint, for reading.
select complaint_id, activity_id, record_id, reason, recorded_by, recorded_at, withdrawn_by, withdrawn_at, withdrawn_reason
from complaints where complaint_id = $1;

-- name: newest
-- Newest first, by keyset; UUIDv7 orders by creation. $3: only those about service that lies at these sites alone.
select complaint_id, activity_id, record_id, reason, recorded_by, recorded_at, withdrawn_by, withdrawn_at, withdrawn_reason
from complaints c
where ($1::uuid is null or complaint_id < $1)
  and ($3::uuid[] is null
       or (select bool_and(coalesce(r.site_id = any($3), false)) from records r
           where r.activity_id = c.activity_id or r.record_id = c.record_id))
order by complaint_id desc limit $2;

-- name: withdraw
-- Withdrawn once; the complaint stays on record.
update complaints set withdrawn_by = $2, withdrawn_at = $3, withdrawn_reason = $4, withdrawn_in = pg_current_xact_id()
where complaint_id = $1 and withdrawn_at is null returning complaint_id;

-- name: sites_about
-- Where the service lies that a complaint is about.
select distinct site_id from records where activity_id = $1 or record_id = $2;
