-- name: business_now
-- Business time: driven in demo and tests, the machine's clock otherwise.
select business.now();

-- name: notify
-- Wake the listeners of a schema's channel, in a transaction of its own.
select pg_notify($1 || '_' || current_schema(), '');

-- name: flush
-- A message without a reader; with it, everything committed before is flushed.
select pg_logical_emit_message(false, 'weiguang', '', true);

-- name: create_migrations_table
-- What has been applied, with a checksum so that a changed file is noticed.
create table if not exists schema_migrations (
    namespace text not null,
    version integer not null,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default clock_timestamp(),
    primary key (namespace, version)
);

-- name: lock_migrations
-- One migrator at a time per schema.
select pg_advisory_xact_lock(hashtextextended('weiguang:migrate:' || $1, 0));

-- name: applied_migrations
-- Everything applied in one namespace.
select version, name, checksum from schema_migrations where namespace = $1 order by version;

-- name: record_migration
-- A file was applied.
insert into schema_migrations (namespace, version, name, checksum) values ($1, $2, $3, $4);

-- name: take_session_lock
-- One holder per schema and name; the lock lives as long as the session.
select pg_try_advisory_lock(hashtextextended('weiguang:' || current_schema() || ':' || $1, 0));

-- name: probe_session
-- Does it still answer?
select 1;
