-- What every service's schema holds: outbox, relay state, idempotency, dead letters.

alter default privileges in schema :schema grant select, insert, update, delete on tables to :app_role;
alter default privileges in schema :schema grant usage, select on sequences to :app_role;
alter default privileges in schema :schema grant select on tables to auditor;
grant select on schema_migrations to :app_role, auditor;

-- Events that the service has decided to emit, written in the same transaction as the state they tell of.
create table outbox (
    id bigint generated always as identity primary key,
    event_id uuid not null,
    topic text not null,
    key text not null,
    headers jsonb not null,
    value bytea not null,
    created_at timestamptz not null default clock_timestamp(),
    sent_at timestamptz
);
create index outbox_unsent on outbox (id) where sent_at is null;

create function outbox_wake() returns trigger language plpgsql as $$
begin
    perform pg_notify('outbox_' || tg_table_schema, '');
    return null;
end $$;
create trigger outbox_wake after insert on outbox for each statement execute function outbox_wake();

-- Which broker log the outbox was sent to: a new incarnation starts empty and gets everything again.
create table relay_state (
    single boolean primary key default true check (single),
    incarnation text not null
);

-- Answers already given, kept for a day so that a repeated POST gets the same one.
create table idempotency (
    scope text not null,
    key text not null,
    body_hash bytea not null,
    status integer not null,
    content_type text not null,
    body bytea not null,
    created_at timestamptz not null default clock_timestamp(),
    primary key (scope, key)
);
create index idempotency_age on idempotency (created_at);

-- Records that could not be applied, with everything needed to look at them, replay or discard them.
create table dead_letters (
    id bigint generated always as identity primary key,
    consumer_group text not null,
    topic text not null,
    partition integer not null,
    offset_ bigint not null,
    key bytea,
    headers jsonb not null,
    value bytea,
    fingerprint bytea not null,
    kind text not null,
    reason text not null,
    attempts integer not null default 1,
    traceparent text,
    status text not null default 'open' check (status in ('open', 'replayed', 'discarded')),
    decided_by text,
    decided_at timestamptz,
    first_seen_at timestamptz not null default clock_timestamp(),
    unique (consumer_group, topic, fingerprint)
);
create index dead_letters_open on dead_letters (id) where status = 'open';
