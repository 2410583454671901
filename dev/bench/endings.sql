-- name: gather
-- The filled ledger as one activity.
update records set activity_id = $1;

-- name: add_waiting
-- As many again of the same volunteers on the next day, which wait for an approval and have brought nothing.
insert into records (
    record_id, revision, content_hash, volunteer_id, day, status, provenance, kind, theme, closed_by, approval_level,
    started_at, ended_at, minutes, planned_minutes, activity_id, shift_id, site_id, team_id, event_id, correlation_id
)
select gen_random_uuid(), 1, content_hash, volunteer_id, day + 1, 'provisional', provenance, kind, theme, closed_by, approval_level,
       started_at + interval '1 day', ended_at + interval '1 day', minutes, planned_minutes, activity_id, shift_id, site_id, team_id,
       gen_random_uuid(), correlation_id
from records;

-- name: vacuum
-- What autovacuum would have done.
vacuum (analyze) records;
