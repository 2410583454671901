-- name: statement_whole
-- As the migrations leave it, in a schema of its own.
create schema if not exists bench; create table bench.whole (like points.transfers including all);

-- name: statement_parts
-- The same in sixteen partitions by volunteer.
create table bench.parts (like points.transfers including all) partition by hash (volunteer_id);

-- name: statement_part
-- One of them; numbers cannot be parameters.
select format('create table bench.parts_%s partition of bench.parts for values with (modulus 16, remainder %s)', $1::int, $1::int);

-- name: statement_fill
-- Ten transfers of each volunteer, in the order in which a log would have brought them; names cannot be parameters.
select format($$insert into bench.%I (
    volunteer_id, code, debit, credit, amount, bucket, expires_on, bucket_version, rule_version, lot_bucket, lot_expires_on,
    posting_id, cause_event_id, correlation_id, posted_at)
select md5('v' || n %% %s)::uuid, 'award', 0, 1, 10, 'day/2026-03-04', '2028-03-04', 1, 1, 'day/2026-03-04', '2028-03-04',
       md5('p' || n)::uuid, md5('e' || n)::uuid, md5('e' || n), now() from generate_series(1, %s) n$$, $1::text, $2::int / 10, $2::int);

-- name: statement_analyze
-- As autovacuum leaves a ledger that has grown.
vacuum (analyze) bench.whole, bench.parts;

-- name: statement_page
-- A page of a statement; names cannot be parameters.
select format('select transfer_id, amount from bench.%I where volunteer_id = $1 order by transfer_id desc limit 20', $1::text);

-- name: statement_sums
-- What an audit asks: a sum for each volunteer, of which few come back; names cannot be parameters.
select format('select volunteer_id from bench.%I group by volunteer_id having sum(amount) < 0', $1::text);

-- name: statement_settings
-- One process does all of it, and sums partition by partition where it can.
set synchronous_commit = off; set max_parallel_workers_per_gather = 0; set enable_partitionwise_aggregate = on;

-- name: own_process
-- Whose processor time counts.
select pg_backend_pid();

-- name: written
-- The end of the write-ahead log.
select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint;
