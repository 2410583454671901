-- name: put_minutes
-- The agents know the whole count of a minute, so it replaces what was stored of it.
insert into live_minutes (minute, type, site_id, drive_id, events, records, points, lateness_ms, latest_ms)
select * from unnest(
    $1::timestamptz[], $2::text[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::bigint[]
)
on conflict (minute, type, site_id, drive_id) do update set
    events = excluded.events, records = excluded.records, points = excluded.points,
    lateness_ms = excluded.lateness_ms, latest_ms = excluded.latest_ms;

-- name: last_minute
-- Where the life of the agents before this one ended.
select max(minute) from live_minutes;

-- name: minutes_since
-- The last hour, of the sites that the caller may see.
select minute, type, site_id, drive_id, events, records, points, lateness_ms, latest_ms
from live_minutes
where minute >= $1 and ($2::uuid[] is null or site_id = any($2))
order by minute, type;

-- name: forget_minutes
-- The live view is of the last hour; older figures come from the index.
delete from live_minutes where minute < $1;

-- name: add_gap
-- A gap survives the process that found it.
insert into live_gaps (since, until) values ($1, $2);

-- name: gaps
-- What is approximate until the index has counted it.
select since, until from live_gaps order by since;

-- name: drop_gaps
-- These have been counted.
delete from live_gaps where until <= $1;

-- name: drop_minutes
-- What the agents counted of a gap goes before the index's own count comes.
delete from live_minutes where minute >= $1 and minute < $2;

-- name: count_from_index
-- The index has each event once, by the time of its commit. Values that are no event of ours count as unreadable.
insert into live_minutes (minute, type, site_id, drive_id, events, records, points, lateness_ms, latest_ms)
select minute, type, site_id, drive_id, count(*), count(*) filter (where new_service), sum(points), sum(late), max(late)
from (
    select date_trunc('minute', at) as minute,
        case when topic like '%.dlq' then 'dead-letter'
            when kind = 'event' and type in ('volunteering.attendance.recorded.v1', 'volunteering.points.posted.v1')
            then type else 'unreadable' end as type,
        case when topic in ('attendance', 'points') and kind = 'event' then site_id end as site_id,
        case when topic in ('attendance', 'points') and kind = 'event' and value ->> 'drive_id' ~ '^[0-9a-f-]{36}$'
            then (value ->> 'drive_id')::uuid end as drive_id,
        topic = 'attendance' and value ->> 'status' = 'confirmed' and value ->> 'ended_at' is not null
            and value ->> 'provenance' <> 'imported' and value ->> 'closed_by' is distinct from 'correction'
            as new_service,
        case when topic = 'points' and value ->> 'reason' in ('award', 'reversal')
            and value ->> 'amount' ~ '^-?[0-9]{1,12}$' then (value ->> 'amount')::bigint else 0 end as points,
        greatest(0, (extract(epoch from arrived_at - at) * 1000)::bigint) as late
    from events
    where at >= $1 and at < $2 and day >= $1::date and (topic in ('attendance', 'points') or topic like '%.dlq')
) as seen
group by minute, type, site_id, drive_id;
