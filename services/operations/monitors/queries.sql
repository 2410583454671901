-- name: lock
-- One judge at a time, also beside a frozen one that wakes.
select pg_advisory_xact_lock(hashtextextended('weiguang:operations:monitors', 0));

-- name: put_beat
-- The newest beat of each service replaces the one before.
insert into service_beats (service, at, beat) values ($1, $2, $3::jsonb)
on conflict (service) do update set at = excluded.at, beat = excluded.beat where service_beats.at < excluded.at;

-- name: beats
-- The last beat of every service.
select beat::text as beat from service_beats order by service;

-- name: ends
-- Ends of the topics as far as they are indexed, in the present life of the broker's log.
select topic, sum(next_offset)::bigint as end_ from positions where incarnation = $1 group by topic;

-- name: dead_letters
-- New dead letters by the consumer group that the topic is named after.
select split_part(topic, '.', 2) as consumer_group, sum(records)::bigint as records from topic_minutes
where minute >= date_trunc('minute', $1::timestamptz) and topic like '%.dlq' group by 1;

-- name: corrections
-- Corrected or voided records by site, of the newest assertions; as many at once are a surge anywhere.
select site_id, count(*) as records from (
    select site_id, at, value ->> 'act' as act from events
    where type = 'volunteering.assertions.noted.v1' and day >= ($1::timestamptz)::date order by number desc limit 2000
) as noted
where at >= $1 and act in ('corrected', 'voided') and site_id is not null group by site_id;

-- name: follow_signups
-- Learn the shifts for which volunteers signed up from the rows of the index after the last one that was read.
with batch as materialized (
    select number, type like '%.placed.v1' as placed, value ->> 'shift_id' as shift_id, value ->> 'site_id' as site_id,
        value ->> 'starts_at' as starts_at, value ->> 'ends_at' as ends_at
    from events
    where type in ('volunteering.signup.placed.v1', 'volunteering.signup.cancelled.v1')
      and number > (select signups_seen from monitor_cursor)
    order by number limit 5000
), sound as (
    select placed, shift_id::uuid, site_id, starts_at, ends_at from batch
    where pg_input_is_valid(shift_id, 'uuid') and (not placed or (pg_input_is_valid(site_id, 'uuid')
        and pg_input_is_valid(starts_at, 'timestamptz') and pg_input_is_valid(ends_at, 'timestamptz')))
), placed as (
    insert into expected_shifts (shift_id, site_id, starts_at, ends_at, places)
    select shift_id, min(site_id)::uuid, min(starts_at)::timestamptz, max(ends_at)::timestamptz,
        count(*) filter (where placed) - count(*) filter (where not placed)
    from sound group by shift_id having bool_or(placed)
    on conflict (shift_id) do update set places = expected_shifts.places + excluded.places
), cancelled as (
    update expected_shifts as shift set places = shift.places - gone.places
    from (select shift_id, count(*) as places from sound group by shift_id having not bool_or(placed)) as gone
    where shift.shift_id = gone.shift_id
)
update monitor_cursor set signups_seen = (select max(number) from batch) where exists (select from batch);

-- name: forget_shifts
-- A shift that is over is not silent.
delete from expected_shifts where ends_at < $1;

-- name: silent_sites
-- Minutes since the start of a running shift without a check-in at its site since an hour before, by site; every other site
-- with a running shift reads 0. The newest rows of the site do: a shift with that many has been checked in to.
select site_id, max(case when silent then floor(extract(epoch from $1 - starts_at) / 60)::integer else 0 end) as minutes
from (
    select shift.site_id, shift.starts_at, not exists (
        select from (
            select topic, event_time from events where site_id = shift.site_id order by number desc limit 300
        ) as newest
        where newest.topic = 'attendance' and newest.event_time >= shift.starts_at - interval '1 hour'
    ) as silent
    from expected_shifts as shift where shift.starts_at <= $1 and shift.ends_at > $1 and shift.places > 0
) as running
group by site_id;

-- name: follow_devices
-- Learn on which days devices sent records of which site, from the rows of the index after the last one that was read.
with batch as materialized (
    select number, value ->> 'device_ref' as device_id, site_id, event_time
    from events
    where topic = 'attendance' and number > (select records_seen from monitor_cursor)
    order by number limit 5000
), sent as (
    insert into device_days (device_id, day, site_id, last_at)
    select distinct on (batch.device_id, batch.event_time::date) batch.device_id::uuid, batch.event_time::date, site_id,
        batch.event_time
    from batch
    where pg_input_is_valid(device_id, 'uuid') and site_id is not null and event_time is not null
    order by batch.device_id, batch.event_time::date, batch.event_time desc
    on conflict (device_id, day) do update set site_id = excluded.site_id, last_at = excluded.last_at
    where device_days.last_at < excluded.last_at
)
update monitor_cursor set records_seen = (select max(number) from batch) where exists (select from batch);

-- name: forget_devices
-- Days before the window make no device due.
delete from device_days where day < $1;

-- name: silent_devices
-- Minutes since the start of a running shift at the site that a device last sent records of, if none came since an hour before;
-- every other device with a running shift at its site reads 0.
with due as (
    select device_id, (array_agg(site_id order by last_at desc))[1] as site_id, max(last_at) as last_at
    from device_days group by device_id having count(*) filter (where day < ($1::timestamptz)::date) >= $2
)
select due.device_id, due.site_id, max(case when due.last_at >= shift.starts_at - interval '1 hour' then 0
    else floor(extract(epoch from $1 - shift.starts_at) / 60)::integer end) as minutes
from due join expected_shifts as shift on shift.site_id = due.site_id
where shift.starts_at <= $1 and shift.ends_at > $1 and shift.places > 0
group by due.device_id, due.site_id;

-- name: thresholds_in_force
-- The newest version of each monitor.
select distinct on (monitor) monitor, version, trip, clear, hold_seconds, calm_seconds
from monitor_thresholds order by monitor, version desc;

-- name: thresholds
-- All versions, the newest first.
select monitor, version, trip, clear, hold_seconds, calm_seconds, made_by, made_by_name, reason, made_at
from monitor_thresholds order by monitor, version desc;

-- name: add_threshold
-- Under the lock of the monitors, so that versions have no gap.
insert into monitor_thresholds (monitor, version, trip, clear, hold_seconds, calm_seconds, made_by, made_by_name, reason)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
returning monitor, version, trip, clear, hold_seconds, calm_seconds, made_by, made_by_name, reason, made_at;

-- name: progress
-- How far each group had come.
select consumer_group, topic, position, lag, moved_at, lag_before, before_at from group_progress;

-- name: put_progress
-- Only groups of services that sent a beat lately.
insert into group_progress (consumer_group, topic, position, lag, moved_at, lag_before, before_at)
select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::bigint[], $7::timestamptz[])
on conflict (consumer_group, topic) do update set position = excluded.position, lag = excluded.lag,
    moved_at = excluded.moved_at, lag_before = excluded.lag_before, before_at = excluded.before_at;

-- name: states
-- What each monitor last read of each subject.
select monitor, subject, site_id, reading, paused, over_since, under_since, alert_id, version, judged_at
from monitor_states order by monitor, subject;

-- name: put_states
-- The next state of each subject that was read.
insert into monitor_states (
    monitor, subject, site_id, reading, paused, over_since, under_since, alert_id, version, judged_at
)
select *, $10 from unnest(
    $1::text[], $2::text[], $3::uuid[], $4::integer[], $5::boolean[], $6::timestamptz[], $7::timestamptz[], $8::uuid[],
    $9::bigint[]
)
on conflict (monitor, subject) do update set reading = excluded.reading, paused = excluded.paused,
    over_since = excluded.over_since, under_since = excluded.under_since, alert_id = excluded.alert_id,
    version = excluded.version, judged_at = excluded.judged_at;

-- name: raise_alert
-- The index of open alerts refuses a second one of the same subject.
insert into alerts (
    alert_id, monitor, subject, site_id, reading, worst, threshold, threshold_version, raised_at
) values ($1, $2, $3, $4, $5, $5, $6, $7, $8);

-- name: worsen_alerts
-- The largest reading while an alert is open.
update alerts set worst = reading.value from unnest($1::uuid[], $2::integer[]) as reading (alert_id, value)
where alerts.alert_id = reading.alert_id and alerts.worst < reading.value;

-- name: clear_alert
-- It stays in the history.
update alerts set cleared_at = $2, cleared_reading = $3 where alert_id = $1 and cleared_at is null returning raised_at;

-- name: list_alerts
-- Open ones first, then the newest.
select alert_id, monitor, subject, site_id, reading, worst, threshold, threshold_version, raised_at, cleared_at,
    cleared_reading
from alerts
where ($1::boolean is null or (cleared_at is null) = $1) and ($2::text is null or monitor = $2)
  and ($3::boolean is null or (cleared_at is null, raised_at, alert_id) < ($3, $4::timestamptz, $5::uuid))
order by (cleared_at is null) desc, raised_at desc, alert_id desc limit $6;

-- name: open_counts
-- The figures of the metrics and of the pages' navigation.
select monitor, count(*) as alerts from alerts where cleared_at is null group by monitor;
