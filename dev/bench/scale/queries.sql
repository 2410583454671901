-- name: statement_as_loader
-- Nobody else is connected; what is lost in a crash is made again. Triggers refuse to let a ledger be truncated.
set synchronous_commit = off; set session_replication_role = replica; set maintenance_work_mem = '1GB'; set work_mem = '256MB';
set search_path = points;

-- name: statement_schedule
-- What is the same for all volunteers of one class: on which days they served, and what the rule makes of each.
create unlogged table scale_schedule (
    class integer not null, k integer not null, day_number integer not null, day date not null, theme text not null,
    bucket text not null, expires_on date not null, points integer not null, head text not null, tail text not null,
    is_first boolean not null
);
create unlogged table scale_class (
    class integer primary key, first_number integer not null, earned integer not null, bonus integer not null,
    bonus_expires_on date, bonus_head text not null, bonus_tail text not null, minutes integer not null,
    badges text[] not null, criteria_version integer not null, badge_figures text not null
);

-- name: statement_staging
-- Every record of the ledger with the ids of what comes from it, day by day, as a log would have brought them.
-- The volunteer's id must be one that Python can make again, see `volunteer_id` beside this file.
create table scale_staging (
    day_number integer not null, number bigint not null, class integer not null, k integer not null, volunteer_id uuid not null,
    record_id uuid not null, event_id uuid not null, posting_id uuid not null, started_at timestamptz not null
) partition by range (day_number);
create unlogged table scale_staging_earlier partition of scale_staging for values from (0) to (365);
create unlogged table scale_staging_later partition of scale_staging for values from (365) to (730);

-- name: stage
-- The days from $2 to $3. Volunteers of a class are its first number and every 730th after it.
insert into scale_staging
select d, number, s.class, s.k, md5('scale-volunteer-' || number)::uuid,
       (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5('r' || number || '-' || s.k), 1, 3)
        || '8' || substr(md5('r' || number || '-' || s.k), 4, 15))::uuid,
       md5('e' || number || '-' || s.k)::uuid, md5('p' || number || '-' || s.k)::uuid, at
from generate_series($2::int, $3::int) d
cross join lateral (
    select * from scale_schedule where day_number = d order by k
) s
join scale_class c on c.class = s.class
cross join lateral generate_series(c.first_number, $1::int - 1, 730) number
cross join lateral (
    select ((s.day + interval '8 hours' + (number % 600) * interval '1 minute') at time zone 'Asia/Shanghai') as at
) t;

-- name: indexes
-- What is dropped before the load and made again after it: primary keys as constraints, the others as indexes.
select c.relname as table_name, i.relname as index_name, pg_get_indexdef(x.indexrelid) as index_definition,
       k.conname as constraint_name, pg_get_constraintdef(k.oid) as constraint_definition
from pg_index x
join pg_class i on i.oid = x.indexrelid
join pg_class c on c.oid = x.indrelid
join pg_namespace n on n.oid = c.relnamespace
left join pg_constraint k on k.conindid = x.indexrelid and k.contype in ('p', 'u')
where n.nspname = 'points' and c.relname = any($1::text[]) order by c.relname, k.conname is null, i.relname;

-- name: statement_drop_index
-- Names cannot be parameters.
select case when $3::text is null then format('drop index points.%I', $2::text)
            else format('alter table points.%I drop constraint %I', $1::text, $3) end;

-- name: statement_make_constraint
-- Names cannot be parameters.
select format('alter table points.%I add constraint %I %s', $1::text, $2::text, $3::text);

-- name: statement_empty
-- In the transaction that fills it: then nothing of it needs to go through the write-ahead log.
select format('truncate points.%I', $1::text);

-- name: fill_records
-- The records as attendance would have reported them.
insert into records (
    record_id, revision, content_hash, volunteer_id, day, status, provenance, kind, theme, closed_by, approval_level,
    started_at, ended_at, minutes, planned_minutes, activity_id, shift_id, site_id, team_id, event_id, correlation_id,
    distance_m
)
select f.record_id, 1, decode(md5('c' || f.number || '-' || f.k), 'hex'), f.volunteer_id, s.day, 'confirmed', 'scanned',
       'visit', s.theme, 'self', 'none', f.started_at, f.started_at + c.minutes * interval '1 minute', c.minutes, c.minutes,
       md5('a' || s.day_number || '-' || f.number % 100)::uuid, md5('s' || s.day_number || '-' || f.number % 100)::uuid,
       md5('site-' || f.number % 26)::uuid, md5('team-' || f.number % 42)::uuid, f.event_id, f.event_id::text, 12
from scale_staging f join scale_schedule s using (class, k) join scale_class c using (class);

-- name: fill_buckets
-- A day each, with its explanation, and the bonus for the first service.
insert into buckets (
    volunteer_id, bucket, version, rule_version, points, explanation, first_started_at, first_record_id, updated_at
)
select f.volunteer_id, s.bucket, 1, 1, s.points, (s.head || f.record_id || s.tail)::json,
       case when s.points > 0 then f.started_at end, case when s.points > 0 then f.record_id end, f.started_at
from scale_staging f join scale_schedule s using (class, k)
union all
select f.volunteer_id, 'life/first-service', 1, 1, c.bonus, (c.bonus_head || f.record_id || c.bonus_tail)::json, null, null,
       f.started_at
from scale_staging f join scale_schedule s using (class, k) join scale_class c using (class) where s.is_first;

-- name: fill_lots
-- All points are still there.
insert into lots (volunteer_id, bucket, expires_on, awarded, available, expired)
select f.volunteer_id, s.bucket, s.expires_on, s.points, s.points, 0
from scale_staging f join scale_schedule s using (class, k) where s.points > 0
union all
select f.volunteer_id, 'life/first-service', c.bonus_expires_on, c.bonus, c.bonus, 0
from scale_staging f join scale_schedule s using (class, k) join scale_class c using (class)
where s.is_first and c.bonus > 0;

-- name: fill_transfers
-- One for each lot.
insert into transfers (
    volunteer_id, code, debit, credit, amount, bucket, expires_on, bucket_version, rule_version, lot_bucket,
    lot_expires_on, posting_id, cause_event_id, correlation_id, posted_at
)
select f.volunteer_id, 'award', 0, 1, s.points, s.bucket, s.expires_on, 1, 1, s.bucket, s.expires_on, f.posting_id,
       f.event_id, f.event_id::text, f.started_at
from scale_staging f join scale_schedule s using (class, k) where s.points > 0
union all
select f.volunteer_id, 'award', 0, 1, c.bonus, 'life/first-service', c.bonus_expires_on, 1, 1, 'life/first-service',
       c.bonus_expires_on, md5('b' || f.number)::uuid, f.event_id, f.event_id::text, f.started_at
from scale_staging f join scale_schedule s using (class, k) join scale_class c using (class)
where s.is_first and c.bonus > 0;

-- name: fill_volunteers
-- Balances and figures; as many events as postings and badges.
insert into volunteers (
    volunteer_id, version, available, earned, credit_minutes, credit_records, first_started_at, first_record_id, first_day,
    badges, criteria_version, badge_figures, opened_at, updated_at, generation
)
select f.volunteer_id, n.records + 1 + cardinality(c.badges), c.earned, c.earned, n.records * c.minutes, n.records,
       f.started_at, f.record_id, s.day, c.badges, c.criteria_version, c.badge_figures, f.started_at, f.started_at,
       (select max(generation) from rule_generations)
from scale_staging f join scale_schedule s using (class, k) join scale_class c using (class)
join (select class, count(*)::int as records from scale_schedule group by class) n using (class)
where s.is_first;

-- name: fill_badge_awards
-- What the criteria make of it.
insert into badge_awards (
    award_id, volunteer_id, badge, name, criteria_version, reason, awarded_at, cause_event_id, correlation_id
)
select md5('badge-' || badge || f.number)::uuid, f.volunteer_id, badge, badge, c.criteria_version,
       jsonb_build_object('record', jsonb_build_array(f.record_id, 1, 'confirmed')), f.started_at, f.event_id, f.event_id::text
from scale_staging f join scale_schedule s using (class, k) join scale_class c using (class)
cross join lateral unnest(c.badges) as badge
where s.is_first;

-- name: statement_clear
-- The service's schema is what its migrations made, and nothing else.
drop table scale_staging, scale_schedule, scale_class;

-- name: statement_vacuum
-- A ledger that has grown has been vacuumed by autovacuum, frozen too.
select format('vacuum (analyze, freeze) points.%I', $1::text);

-- name: warm
-- Indexes and accounts are in the memory of a server that has run for days; a table's rows are fetched where needed.
select (select count(volunteer_id) from points.transfers where volunteer_id >= $1) as transfers,
       (select count(volunteer_id) from points.buckets where volunteer_id >= $1) as buckets,
       (select count(volunteer_id) from points.lots where volunteer_id >= $1) as lots,
       (select count(volunteer_id) from points.records where volunteer_id >= $1) as records,
       (select count(record_id) from points.records where record_id >= $1) as record_ids,
       (select count(volunteer_id) from points.badge_awards where volunteer_id >= $1 and revoked_at is null) as badges,
       (select sum(available) from points.volunteers where volunteer_id >= $1) as available;

-- name: statement_prefer_indexes
-- A scan of a table beside shared buffers would leave nothing in them.
set enable_seqscan = off; set enable_bitmapscan = off;

-- name: statement_flush_statistics
-- What this session has counted.
select pg_stat_force_next_flush();

-- name: costs
-- What the server has written to its log and read into its buffers until now.
select wal_bytes, wal_fpi as full_pages,
       (select coalesce(sum(reads), 0) from pg_stat_io where object = 'relation' and backend_type = 'client backend') as pages_read,
       (select coalesce(sum(writes), 0) from pg_stat_io
        where object = 'relation' and backend_type = 'client backend') as pages_written
from pg_stat_wal;

-- name: sizes
-- What the ledger holds.
select (select count(*) from points.transfers) as transfers, (select count(*) from points.volunteers) as volunteers,
       (select count(*) from points.records) as records, pg_database_size(current_database()) as bytes;
