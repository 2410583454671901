-- name: lock_index
-- One writer at a time, also beside a frozen one that wakes: row numbers commit in order.
-- The commit does not wait for the disk: what a crash of the server takes back is read again, because offsets wait.
select set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock(hashtextextended('weiguang:operations:index', 0));

-- name: ensure_day
-- A partition exists before the first row of its day.
select ensure_day($1);

-- name: claim
-- The numbers of ids that are new, which follow the order given. Of all others it says nothing, because there are few.
insert into event_ids (event_id, number, day, digest)
select event_id, nextval('event_numbers'), $3, digest
from (
    select event_id, digest from unnest($1::uuid[], $2::bytea[]) with ordinality as given (event_id, digest, place)
    order by place
) as ordered
on conflict (event_id) do nothing
returning event_id, number;

-- name: claimed_digests
-- A repeat has the digest of the event that has its id; another record with that id has another one.
select event_id, digest from event_ids where event_id = any($1::uuid[]);

-- name: add_occurrences
-- Repeats of events, without those that are the row's own place read again.
insert into occurrences (event_id, incarnation, topic, partition, offset_, arrived_at)
select given.event_id, $5, given.topic, given.partition, given.offset_, $6
from unnest($1::uuid[], $2::text[], $3::int[], $4::bigint[]) as given (event_id, topic, partition, offset_)
join event_ids using (event_id)
join events on events.number = event_ids.number and events.day = event_ids.day
where (events.incarnation, events.topic, events.partition, events.offset_)
    is distinct from ($5, given.topic, given.partition, given.offset_)
on conflict do nothing;

-- name: known_sites
-- The sites that these ids were last seen with.
select id, site_id from known_sites where id = any($1::text[]);

-- name: learn_sites
-- Activities move to other sites, so the last one counts.
insert into known_sites (id, site_id, seen_on)
select id, site_id, $3 from unnest($1::text[], $2::uuid[]) as given (id, site_id)
on conflict (id) do update set site_id = excluded.site_id, seen_on = excluded.seen_on;

-- name: learn_names
-- Relays repeat and reorder: a lower version changes nothing.
insert into names (id, kind, name, site_id, version)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::bigint[])
on conflict (id) do update set name = excluded.name, site_id = excluded.site_id, version = excluded.version
where names.version < excluded.version;

-- name: names_of
-- What pages write in place of ids.
select id, kind, name, site_id, version from names where id = any($1::uuid[]) order by id;

-- name: move_positions
-- The ends of the partitions of a batch; a log that began anew starts again at its own offsets.
insert into positions (topic, partition, incarnation, next_offset, records, size, moved_at)
select topic, partition, $6, next_offset, records, size, $7
from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[])
    as given (topic, partition, next_offset, records, size)
on conflict (topic, partition) do update set
    next_offset = case when positions.incarnation = excluded.incarnation
        then greatest(positions.next_offset, excluded.next_offset) else excluded.next_offset end,
    incarnation = excluded.incarnation,
    records = positions.records + excluded.records,
    size = positions.size + excluded.size,
    moved_at = excluded.moved_at;

-- name: count_minute
-- What became new in this minute, by topic.
insert into topic_minutes (minute, topic, records, size)
select date_trunc('minute', $4::timestamptz), topic, records, size
from unnest($1::text[], $2::bigint[], $3::bigint[]) as given (topic, records, size)
on conflict (minute, topic) do update set
    records = topic_minutes.records + excluded.records, size = topic_minutes.size + excluded.size;

-- name: announce
-- Wakes the streams once the batch is committed.
select pg_notify('operations_events', $1);

-- name: expired_days
-- Days whose events are older than the index keeps.
select distinct day from events where day < $1 order by day;

-- name: forget_ids
-- Ids and occurrences of a day that is to be dropped, some at a time; the row's own number bounds the work.
with gone as (
    select event_id, number from events where day = $1 and number > $2 order by number limit $3
), ids as (
    delete from event_ids using gone where event_ids.event_id = gone.event_id
), places as (
    delete from occurrences using gone where occurrences.event_id = gone.event_id
)
select max(number) from gone;

-- name: drop_day
-- The rows of a day go at once, without a trace for vacuum.
select drop_day($1);

-- name: forget_sites
-- Activities that no event has named since.
delete from known_sites where seen_on < $1;

-- name: forget_minutes
-- The rates of days that the index no longer has.
delete from topic_minutes where minute < $1;

-- name: plan_for_values
-- A search has many optional conditions: a plan made for all of them at once would use no index.
set local plan_cache_mode = force_custom_plan;

-- name: search
-- Events that meet every condition given, the newest first.
select number, event_id, kind, topic, partition, offset_, last_offset, type, key, aggregate_id, aggregate_version,
    correlation_id, causation_id, site_id, event_time, broker_time, arrived_at, value::text as value, size, note,
    1 + (select count(*) from occurrences o where o.event_id = e.event_id) as occurrences
from events e
where ($1::bigint is null or number < $1)
    and ($2::bigint is null or number >= $2)
    and ($3::uuid[] is null or site_id = any($3))
    and ($4::text is null or topic = $4)
    and ($5::text is null or type = $5)
    and ($6::text is null or key = $6)
    and ($7::text is null or aggregate_id = $7)
    and ($8::text is null or correlation_id = $8)
    and ($9::uuid is null or site_id = $9)
    and ($10::timestamptz is null or (at >= $10 and day >= ($10 - interval '1 day')::date))
    and ($11::timestamptz is null or at < $11)
    and ($12::integer is null or partition = $12)
    and ($13::bigint is null or offset_ >= $13)
    and ($14::text is null or position(lower($14) in lower(value::text)) > 0)
order by number desc
limit $15;

-- name: text_floor
-- How far back a search for text reads at once: the lowest number of so many events that meet the other conditions.
select min(number) as lowest, count(*) as scanned
from (
    select number from events
    where ($1::bigint is null or number < $1)
        and ($2::uuid[] is null or site_id = any($2))
        and ($3::text is null or topic = $3)
        and ($4::text is null or type = $4)
        and ($5::text is null or key = $5)
        and ($6::text is null or aggregate_id = $6)
        and ($7::text is null or correlation_id = $7)
        and ($8::uuid is null or site_id = $8)
        and ($9::timestamptz is null or (at >= $9 and day >= ($9 - interval '1 day')::date))
        and ($10::timestamptz is null or at < $10)
    order by number desc
    limit $11
) as candidates;

-- name: one
-- One event by its id, over all days.
select e.number, e.event_id, kind, topic, partition, offset_, last_offset, type, key, aggregate_id, aggregate_version,
    correlation_id, causation_id, site_id, event_time, broker_time, arrived_at, value::text as value, size, note,
    1 + (select count(*) from occurrences o where o.event_id = e.event_id) as occurrences,
    headers::text as headers, bytes, incarnation
from event_ids i join events e on e.number = i.number and e.day = i.day
where i.event_id = $1;

-- name: occurrences_of
-- Where an event lies besides its first place.
select incarnation, topic, partition, offset_, arrived_at from occurrences where event_id = $1
order by arrived_at, partition, offset_ limit 100;

-- name: effects_of
-- Events that name this one as their cause; they carry its correlation id.
select number, event_id, kind, topic, partition, offset_, last_offset, type, key, aggregate_id, aggregate_version,
    correlation_id, causation_id, site_id, event_time, broker_time, arrived_at, value::text as value, size, note,
    1 as occurrences
from events
where correlation_id = $1 and causation_id = $2 and ($3::uuid[] is null or site_id = any($3))
order by number limit 100;

-- name: trace
-- Everything of one correlation id, in the order in which it was committed.
select number, event_id, kind, topic, partition, offset_, last_offset, type, key, aggregate_id, aggregate_version,
    correlation_id, causation_id, site_id, event_time, broker_time, arrived_at, value::text as value, size, note,
    1 + (select count(*) from occurrences o where o.event_id = e.event_id) as occurrences
from events e
where correlation_id = $1 and ($2::uuid[] is null or site_id = any($2))
order by at, number
limit $3;

-- name: end_of
-- The end of a partition as far as it is indexed.
select next_offset from positions where topic = $1 and partition = $2;

-- name: newest_number
-- From where a stream without a position goes on.
select coalesce(max(number), 0) from events where day >= current_date - 1;

-- name: oldest_number
-- What lies before is no longer kept.
select coalesce(min(number), 0) from events;

-- name: following
-- The rows behind a number, in the order of their commits.
select number, event_id, kind, topic, partition, offset_, last_offset, type, key, aggregate_id, aggregate_version,
    correlation_id, causation_id, site_id, event_time, broker_time, arrived_at, value::text as value, size, note,
    1 as occurrences
from events where number > $1 order by number limit $2;

-- name: waiting
-- The newest rows behind a number, so many at most: how many there are, and where they begin.
select count(*) as rows, min(number) as first
from (select number from events where number > $1 order by number desc limit $2) as newest;
