-- name: statement_skip_triggers
-- What was published is loaded without the volunteers, activities and shifts that it refers to: nothing here reads them.
set session_replication_role = replica;

-- name: analyze_published
-- For the audit. The service's own tables stay as migrations leave them: analysed while empty, they get other plans.
analyze recruitment.attendance_revisions;

-- name: checkpoint
-- What earlier rounds have written must not be flushed on this round's time.
checkpoint;

-- name: counts
-- What became of the messages.
select (select count(*) from points.records) as records,
       (select count(*) from points.superseded_revisions) as superseded,
       (select count(*) from points.dead_letters where kind = 'permanent' and consumer_group like '%points-ingest') as permanent,
       (select count(*) from points.dead_letters where kind = 'conflict' and consumer_group like '%points-ingest') as conflict,
       (select count(*) from points.transfers) as transfers;

-- name: last_commit
-- When the last record, late revision or dead letter was committed.
select greatest(
    (select max(pg_xact_commit_timestamp(xmin)) from points.volunteers),
    (select max(pg_xact_commit_timestamp(xmin)) from points.superseded_revisions),
    (select max(pg_xact_commit_timestamp(xmin)) from points.dead_letters));

-- name: standing
-- The points and badges of everybody, as one number: equal in every round of one input.
select md5(string_agg(concat_ws(' ', volunteer_id, available, held, debt, earned, spent, expired, donated, credit_minutes,
                                credit_records, first_record_id, badges), '|' order by volunteer_id)) as digest,
       count(*) as volunteers, sum(earned)::bigint as points
from points.volunteers;

-- name: produced_and_committed
-- From when a record was to be produced (its correlation id) to the commit of its transaction, in seconds since 1970.
select correlation_id::double precision as produced, extract(epoch from pg_xact_commit_timestamp(xmin))::double precision
    as committed
from points.records where correlation_id ~ '^[0-9]+\.[0-9]+$';

-- name: limit_tables
-- The least that still is exactly once: each entry once, a balance, and where the log was read up to.
create schema limits;
create table limits.entries (
    record_id uuid not null, revision integer not null, volunteer_id uuid not null, points integer not null,
    primary key (record_id, revision)
);
create table limits.balances (volunteer_id uuid primary key, points bigint not null) with (fillfactor = 60);
create table limits.offsets (partition integer primary key, next bigint not null);
grant usage on schema limits to points_app, auditor;
grant select, insert, update on all tables in schema limits to points_app;

-- name: limit_apply
-- Dedupe, entries, balances and offsets of one batch in one statement.
with fresh as (
    insert into limits.entries (record_id, revision, volunteer_id, points)
    select * from unnest($1::uuid[], $2::int[], $3::uuid[], $4::int[])
    on conflict do nothing returning volunteer_id, points
), read as (
    insert into limits.offsets (partition, next) select * from unnest($5::int[], $6::bigint[])
    on conflict (partition) do update set next = excluded.next
)
insert into limits.balances (volunteer_id, points)
select volunteer_id, sum(points) from fresh group by volunteer_id order by volunteer_id
on conflict (volunteer_id) do update set points = limits.balances.points + excluded.points;

-- name: limit_totals
-- Whether the limit's own books are right: entries, their sum, the balances' sum, and the messages read.
select (select count(*) from limits.entries) as entries,
       (select coalesce(sum(points), 0)::bigint from limits.entries) as points,
       (select coalesce(sum(points), 0)::bigint from limits.balances) as balances,
       (select coalesce(sum(next), 0)::bigint from limits.offsets) as messages;

-- name: revisions_applied
-- How many revisions the ingest has applied, those that were superseded included.
select (select count(*) from points.records) + (select count(*) from points.superseded_revisions) as revisions;

-- name: marks_left
-- How many marks of the ingest integrity has not followed up.
select count(*) from points.record_marks;
