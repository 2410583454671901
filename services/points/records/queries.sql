-- name: records
-- The revision of each record that stands, whole.
select record_id, revision, content_hash, volunteer_id, day, status, provenance, kind, theme, closed_by, approval_level,
       started_at, ended_at, minutes, planned_minutes, activity_id, shift_id, site_id, team_id, drive_id, recorded_by,
       recorder_site_id, device_ref, distance_m, event_id, correlation_id
from records where record_id = any($1::uuid[]);

-- name: superseded
-- Have these lower revisions been seen, and with which content?
select s.record_id, s.revision, s.content_hash
from superseded_revisions s
join unnest($1::uuid[], $2::int[]) as batch (record_id, revision)
  on s.record_id = batch.record_id and s.revision = batch.revision;

-- name: volunteers_about
-- Whose state may change because of an activity or of one record.
select distinct volunteer_id from records where activity_id = $1 or record_id = $2 order by volunteer_id;

-- name: records_about
-- The records themselves, whole; read after the locks.
select record_id, revision, content_hash, volunteer_id, day, status, provenance, kind, theme, closed_by, approval_level,
       started_at, ended_at, minutes, planned_minutes, activity_id, shift_id, site_id, team_id, drive_id, recorded_by,
       recorder_site_id, device_ref, distance_m, event_id, correlation_id
from records where activity_id = $1 or record_id = $2 order by record_id;

-- name: raise_records
-- Records of which a higher revision came; the revisions that stood until now are kept. In one statement, of which both
-- parts see the records as they were.
with kept as (
    insert into superseded_revisions (record_id, revision, content_hash, volunteer_id, event_id, content)
    select record_id, revision, content_hash, volunteer_id, event_id, to_jsonb(records) - 'content_hash'
    from records where record_id = any($1::uuid[])
)
update records r set
    revision = b.revision, content_hash = b.content_hash, volunteer_id = b.volunteer_id, day = b.day,
    status = b.status, provenance = b.provenance, kind = b.kind, theme = b.theme, closed_by = b.closed_by,
    approval_level = b.approval_level, started_at = b.started_at, ended_at = b.ended_at, minutes = b.minutes,
    planned_minutes = b.planned_minutes, activity_id = b.activity_id, shift_id = b.shift_id, site_id = b.site_id,
    team_id = b.team_id, drive_id = b.drive_id, recorded_by = b.recorded_by, recorder_site_id = b.recorder_site_id,
    device_ref = b.device_ref, distance_m = b.distance_m, event_id = b.event_id, correlation_id = b.correlation_id,
    emitted_at = b.emitted_at, received_at = clock_timestamp(), recorded_in = pg_current_xact_id()
from unnest(
    $1::uuid[], $2::int[], $3::bytea[], $4::uuid[], $5::date[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::int[], $15::int[], $16::uuid[], $17::uuid[],
    $18::uuid[], $19::uuid[], $20::uuid[], $21::uuid[], $22::uuid[], $23::text[], $24::int[], $25::uuid[], $26::text[],
    $27::timestamptz[]
) as b (
    record_id, revision, content_hash, volunteer_id, day, status, provenance, kind, theme, closed_by, approval_level,
    started_at, ended_at, minutes, planned_minutes, activity_id, shift_id, site_id, team_id, drive_id, recorded_by,
    recorder_site_id, device_ref, distance_m, event_id, correlation_id, emitted_at
)
where r.record_id = b.record_id;
