-- name: indexed
-- How many events the index has read, each once; counting its rows would take processor time from what is measured.
select coalesce(sum(records), 0)::bigint from operations.positions;

-- name: ensure_day
-- The day on which filled rows lie.
select operations.ensure_day(current_date);

-- name: fill
-- Rows as the index writes them: forty of each correlation id, a key for each ten.
insert into operations.events (number, day, event_id, kind, topic, partition, offset_, last_offset, incarnation, type, key,
    aggregate_id, aggregate_version, correlation_id, broker_time, arrived_at, at, headers, value, size)
select nextval('operations.event_numbers'), current_date, gen_random_uuid(), 'event', 'drives', 0, n, n, 'bench',
    'volunteering.drive.opened.v1', 'key-' || n / 10, 'aggregate-' || n, 1, 'trace-' || n / 40, moment, moment, moment, '[]',
    jsonb_build_object('drive_id', 'aggregate-' || n, 'name', 'bench'), 300
from (select n, clock_timestamp() as moment from generate_series($1::bigint, $2::bigint) n) as rows;

-- name: analyze
-- Statistics as autovacuum would have them by then.
analyze operations.events;

-- name: ingested
-- When each record of the stream was due, as its correlation id, and when it was stored, as Unix times.
select correlation_id::float8 as due, extract(epoch from received_at)::float8 as stored from points.records
where correlation_id ~ '^[0-9]+\.[0-9]+$' and correlation_id::float8 >= $1 order by 1;
