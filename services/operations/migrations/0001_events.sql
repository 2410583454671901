-- The index of events: each event once, by the day of its arrival; its occurrences apart.
create sequence event_numbers;

-- Unique over all days, which a table partitioned by day cannot be. "digest" distinguishes a repeat from another record
-- with the same id.
create table event_ids (
    event_id uuid primary key,
    number bigint not null,
    day date not null,
    digest bytea not null
);

create table events (
    number bigint not null,
    day date not null,
    event_id uuid not null,
    kind text not null check (kind in ('event', 'dead-letter', 'foreign', 'unreadable', 'conflicting')),
    topic text not null,
    partition integer not null,
    offset_ bigint not null,
    last_offset bigint not null,
    incarnation text not null,
    type text,
    key text,
    aggregate_id text,
    aggregate_version bigint,
    correlation_id text,
    causation_id text,
    site_id uuid,
    event_time timestamptz,
    broker_time timestamptz,
    arrived_at timestamptz not null,
    at timestamptz not null,
    headers jsonb not null,
    value jsonb,
    bytes bytea,
    size integer not null,
    note text,
    primary key (number, day)
) partition by range (day);
create index events_by_correlation on events (correlation_id);
create index events_by_key on events (key, number);
create index events_by_aggregate on events (aggregate_id, number);
create index events_by_type on events (type, number);
create index events_by_topic on events (topic, number);
create index events_by_place on events (topic, partition, offset_);
create index events_by_site on events (site_id, number) where site_id is not null;
create index events_by_time on events using brin (at) with (pages_per_range = 16);

-- An event that lies on its topic again, because a relay sent it twice or the broker's log began anew.
create table occurrences (
    event_id uuid not null,
    incarnation text not null,
    topic text not null,
    partition integer not null,
    offset_ bigint not null,
    arrived_at timestamptz not null,
    primary key (event_id, incarnation, topic, partition, offset_)
);

-- The site of activities, shifts, drives and aggregates, as events named it: later events of theirs name none.
create table known_sites (
    id text primary key,
    site_id uuid not null,
    seen_on date not null
);
create index known_sites_by_day on known_sites (seen_on);

-- The end of each partition as far as it is indexed, and what lies on it in all.
create table positions (
    topic text not null,
    partition integer not null,
    incarnation text not null,
    next_offset bigint not null,
    records bigint not null,
    size bigint not null,
    moved_at timestamptz not null,
    primary key (topic, partition)
);

create table topic_minutes (
    minute timestamptz not null,
    topic text not null,
    records bigint not null,
    size bigint not null,
    primary key (minute, topic)
);

-- The runtime role has no right to create or drop tables: these two do so for it, for days alone.
create function ensure_day(day date) returns void language plpgsql security definer
set search_path = :schema, pg_temp as $$
declare
    name text := 'events_' || to_char(day, 'YYYYMMDD');
begin
    if to_regclass(format('%I', name)) is not null then
        return;
    end if;
    execute format('create table %I (like events including all)', name);
    execute format('alter table events attach partition %I for values from (%L) to (%L)', name, day, day + 1);
end $$;

create function drop_day(day date) returns void language plpgsql security definer
set search_path = :schema, pg_temp as $$
begin
    execute format('drop table if exists %I', 'events_' || to_char(day, 'YYYYMMDD'));
end $$;
revoke all on function ensure_day(date), drop_day(date) from public;
grant execute on function ensure_day(date), drop_day(date) to :app_role;
