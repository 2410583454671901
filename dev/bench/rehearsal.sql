-- name: without_indexes
-- Ten million rows in the order of time go in quickly only where no index is kept meanwhile; they are built afterwards.
alter table records drop constraint records_pkey;
drop index records_of_day;
alter table buckets drop constraint buckets_pkey;
alter table lots drop constraint lots_pkey;
drop index lots_open;
alter table transfers drop constraint transfers_pkey;

-- name: with_indexes
-- As the migrations made them.
set maintenance_work_mem = '256MB';
alter table records add primary key (record_id);
create index records_of_day on records (volunteer_id, day);
alter table buckets add primary key (volunteer_id, bucket);
alter table lots add primary key (volunteer_id, bucket, expires_on);
create index lots_open on lots (expires_on) where available > 0;
alter table transfers add primary key (volunteer_id, transfer_id);

-- name: vacuum
-- What autovacuum would have done by the time that a ledger is so large.
vacuum (analyze) records, buckets, lots, transfers, volunteers;

-- name: fill_records
-- Records $1 to $2 of $3, of $4 volunteers, who take turns in an order of their own each round, so that everybody serves at
-- most once a day; time advances with the number, over $5 days from $6.
insert into records (
    record_id, revision, content_hash, volunteer_id, day, status, provenance, kind, theme, closed_by, approval_level,
    started_at, ended_at, minutes, planned_minutes, activity_id, shift_id, site_id, team_id, event_id, correlation_id
)
select (lpad(to_hex((extract(epoch from started_at) * 1000)::bigint), 12, '0') || '7' || substr(md5('r' || n), 1, 3)
            || '8' || substr(md5('r' || n), 4, 15))::uuid,
       1, decode(md5('c' || n), 'hex'), md5('v' || (n * 7919 + n / $4 * 104729) % $4)::uuid,
       (started_at at time zone 'Asia/Shanghai')::date, 'confirmed',
       (array['scanned', 'scanned', 'kiosk', 'leader'])[1 + n % 4], 'visit',
       (array['夕阳别样红', '晨光问候', '创城有我志愿先行'])[1 + n % 3], 'self', 'none',
       started_at, started_at + make_interval(mins => minutes::int), minutes, minutes,
       md5('a' || n / 12)::uuid, md5('s' || n / 12)::uuid, md5('site' || n % 26)::uuid, md5('t' || n % 42)::uuid,
       md5('e' || n)::uuid, 'bench'
from (
    select n, (array[30, 45, 60, 60, 90, 120])[1 + n % 6] as minutes,
           ($6::date + (n * $5 / $3)::int + time '01:00' + make_interval(mins => (n % 600)::int)) at time zone 'UTC'
               as started_at
    from generate_series($1::bigint, $2::bigint - 1) as n
) as numbered;

-- name: fill_buckets
-- Each record in the bucket of its day, under the district's first rule.
insert into buckets (
    volunteer_id, bucket, version, rule_version, points, explanation, first_started_at, first_record_id, updated_at
)
select volunteer_id, 'day/' || day, 1, 1, minutes * per_hour / 60,
       json_build_object('records', json_build_array(
           json_build_array(record_id, 1, minutes, minutes, per_hour, minutes * per_hour / 60, 'counted'))),
       started_at, record_id, started_at
from (select *, case when extract(month from day) = 3 then 15 else 10 end as per_hour from records) as served;

-- name: fill_firsts
-- The bonus for the first service, everybody's earliest.
insert into buckets (volunteer_id, bucket, version, rule_version, points, explanation, updated_at)
select distinct on (volunteer_id) volunteer_id, 'life/first-service', 1, 1, 20,
       json_build_object('first', json_build_object('record_id', record_id, 'day', day)), started_at
from records order by volunteer_id, started_at;

-- name: fill_lots
-- Nothing was spent, nothing has expired.
insert into lots (volunteer_id, bucket, expires_on, awarded, available, expired)
select volunteer_id, bucket,
       (case when bucket = 'life/first-service' then (explanation -> 'first' ->> 'day')::date
             else substr(bucket, 5)::date end + interval '24 months')::date,
       points, points, 0
from buckets where points > 0;

-- name: fill_transfers
-- One award for each lot.
insert into transfers (
    volunteer_id, code, debit, credit, amount, bucket, expires_on, bucket_version, rule_version, lot_bucket,
    lot_expires_on, posting_id, cause_event_id, correlation_id, posted_at
)
select volunteer_id, 'award', 0, 1, awarded, bucket, expires_on, 1, 1, bucket, expires_on,
       md5(volunteer_id || bucket)::uuid, md5('c' || volunteer_id || bucket)::uuid, 'bench', expires_on
from lots order by expires_on;

-- name: fill_volunteers
-- Balances and lifetime figures, as the records make them; badges are left to the service.
insert into volunteers (
    volunteer_id, version, available, earned, credit_minutes, credit_records, first_started_at, first_record_id, first_day,
    criteria_version, opened_at, updated_at, generation
)
select r.volunteer_id, r.records + 1, l.points, l.points, r.minutes, r.records, r.first_started_at, b.first_record_id,
       r.first_day, 1, r.first_started_at, r.first_started_at, (select max(generation) from rule_generations)
from (
    select volunteer_id, count(*)::int as records, sum(minutes) as minutes, min(started_at) as first_started_at,
           min(day) as first_day
    from records group by volunteer_id
) as r
join (select volunteer_id, sum(awarded) as points from lots group by volunteer_id) as l using (volunteer_id)
join buckets b on b.volunteer_id = r.volunteer_id and b.bucket = 'day/' || r.first_day;

-- name: counted
-- What there is.
select (select count(*) from records) as records, (select count(*) from volunteers) as volunteers,
       (select count(*) from transfers) as transfers;
