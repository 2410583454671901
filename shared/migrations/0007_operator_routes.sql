-- What engineers do to a service: dead letters in groups, replays of them, consumers paused and set back, and who did so.

-- The reason without what differs from record to record, so that records that fail alike form one group.
create function dead_letter_class(reason text) returns text language sql immutable as $$
    select left(regexp_replace(regexp_replace(regexp_replace(reason,
        '[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}', '#', 'g'),
        '''[^'']*''|"[^"]*"', '#', 'g'),
        '[0-9]+', '#', 'g'), 200)
$$;

alter table dead_letters
    add column reason_class text not null generated always as (dead_letter_class(reason)) stored,
    add column event_id text generated always as (headers ->> 'ce_id') stored,
    add column event_type text generated always as (headers ->> 'ce_type') stored,
    add column group_id text not null generated always as (
        md5(consumer_group || ' ' || topic || ' ' || coalesce(headers ->> 'ce_type', '') || ' ' || kind || ' ' || dead_letter_class(reason))
    ) stored,
    -- How often the same record came and could not be applied: a loop shows as a number that grows.
    add column seen integer not null default 1,
    add column last_seen_at timestamptz not null default clock_timestamp(),
    -- The replay that has claimed it; the claim is conditional, so that no two replays have the same record.
    add column replay_id uuid,
    -- What is left of the bytes 30 days after a decision.
    add column value_sha256 bytea;
create index dead_letters_of_event on dead_letters (event_id);
create index dead_letters_of_group on dead_letters (group_id, id);
create index dead_letters_of_replay on dead_letters (replay_id, id) where replay_id is not null;

create table dead_letter_replays (
    replay_id      uuid primary key,
    consumer_group text not null,
    state          text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'stopped')),
    selected       integer not null,
    applied        integer not null default 0,
    failed         integer not null default 0,
    next_batch     integer not null default 1,
    failed_letter  bigint,
    failure        text,
    requested_by   uuid not null,
    requested_at   timestamptz not null default clock_timestamp(),
    progressed_at  timestamptz,
    ended_at       timestamptz,
    holder         uuid,
    lease_until    timestamptz
);
create index dead_letter_replays_open on dead_letter_replays (consumer_group, requested_at) where ended_at is null;

-- A pause that has lapsed counts as none.
create table consumer_pauses (
    consumer_group text primary key,
    paused_by      uuid not null,
    paused_at      timestamptz not null default clock_timestamp(),
    paused_until   timestamptz not null
);

-- What each process of a group last reported about itself.
create table consumer_members (
    consumer_group   text not null,
    member           uuid not null,
    started_at       timestamptz not null default clock_timestamp(),
    seen_at          timestamptz not null,
    last_progress_at timestamptz,
    paused           boolean not null,
    -- [[topic, partition, position, end], …]; the position is the first offset that is not applied.
    partitions       jsonb not null,
    primary key (consumer_group, member)
);

-- Offsets to go back to; the owner of the partition does so at its next poll.
create table consumer_resets (
    reset_id       uuid not null,
    consumer_group text not null,
    topic          text not null,
    partition      integer not null,
    from_offset    bigint not null,
    to_offset      bigint not null check (to_offset < from_offset),
    requested_at   timestamptz not null default clock_timestamp(),
    applied_at     timestamptz,
    primary key (reset_id, topic, partition)
);
create index consumer_resets_open on consumer_resets (consumer_group) where applied_at is null;

-- The audit trail. Reasons are words of a person, so they stay here and are in no event.
create table operator_acts (
    act_id         uuid primary key,
    at             timestamptz not null default clock_timestamp(),
    actor          uuid not null,
    actor_name     text not null,
    role           text not null,
    address        text not null,
    act            text not null,
    dry_run        boolean not null,
    consumer_group text,
    target         jsonb not null,
    reason         text,
    result         jsonb not null
);
create index operator_acts_at on operator_acts (at, act_id);
revoke all on operator_acts from auditor;
revoke update, delete, truncate on operator_acts from :app_role;
