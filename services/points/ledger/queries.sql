-- name: open_accounts
-- An account exists from the first event about its volunteer, under the newest rules; sorted, so that two writers wait
-- instead of deadlock.
insert into volunteers (volunteer_id, generation, opened_at, updated_at)
select id, newest.generation, $2, $2
from unnest($1::uuid[]) as batch (id), (select max(generation) as generation from rule_generations) newest order by id
on conflict (volunteer_id) do nothing;

-- name: lock_volunteers
-- The lock of everything of theirs, in one order for all writers; nothing may be read in this statement.
select count(*) from (
    select from volunteers where volunteer_id = any($1::uuid[]) order by volunteer_id for no key update
) locked;

-- name: volunteers
-- Balances and figures, read after the lock.
select volunteer_id, version, available, held, debt, earned, spent, expired, donated,
       credit_minutes, honour_minutes, imported_minutes, credit_records, honour_records, imported_records,
       first_started_at, first_record_id, first_day, badges, criteria_version, badge_figures,
       generation, standing_flags, updated_at
from volunteers where volunteer_id = any($1::uuid[]);

-- name: donated_lots
-- Of which lots points above the highest balance were donated, and not brought back or reversed since.
select l.volunteer_id, l.bucket, l.expires_on, l.awarded, l.available, l.expired, sum(d.amount)::int as donated
from (
    select volunteer_id, lot_bucket, lot_expires_on, case when credit = 6 then amount else -amount end as amount
    from transfers where volunteer_id = any($1::uuid[]) and (credit = 6 or debit = 6)
) d
join lots l on l.volunteer_id = d.volunteer_id and l.bucket = d.lot_bucket and l.expires_on = d.lot_expires_on
group by l.volunteer_id, l.bucket, l.expires_on having sum(d.amount) > 0;

-- name: buckets
-- What the touched buckets were worth until now.
select b.volunteer_id, b.bucket, b.version, b.rule_version, b.points, b.explanation, b.first_started_at,
       b.first_record_id
from unnest($1::uuid[], $2::text[]) as batch (volunteer_id, bucket)
join buckets b on b.volunteer_id = batch.volunteer_id and b.bucket = batch.bucket;

-- name: earliest_firsts
-- Where the earliest earning record of a volunteer was lost, the next is looked for among all their buckets.
select b.volunteer_id, b.bucket, b.first_started_at, b.first_record_id, r.day
from buckets b join records r on r.record_id = b.first_record_id
where b.volunteer_id = any($1::uuid[]) and b.first_record_id is not null;

-- name: lots_of_buckets
-- What has been awarded to the changed buckets, per expiry, and what is left of it.
select l.volunteer_id, l.bucket, l.expires_on, l.awarded, l.available, l.expired
from unnest($1::uuid[], $2::text[]) as batch (volunteer_id, bucket)
join lots l on l.volunteer_id = batch.volunteer_id and l.bucket = batch.bucket;

-- name: open_lots
-- What may be spent, or taken back where a bucket's own lots don't cover a reversal.
select volunteer_id, bucket, expires_on, awarded, available, expired
from lots where volunteer_id = any($1::uuid[]) and available > 0;

-- name: due_lots
-- Volunteers with points past their last day, found through the index of open lots.
select distinct volunteer_id from (
    select volunteer_id from lots where available > 0 and expires_on < $1 order by expires_on limit $2
) due order by volunteer_id;

-- name: write_changed
-- Lots whose points moved; buckets that are worth something else now, or for other reasons, and their versions until now,
-- so that old transfers still explain themselves; balances, lifetime figures, badges (their names joined by a blank) and
-- the version of each account, of most only the columns that earning changes. In one statement, because a small batch
-- costs as much as the statements that it takes; all of its parts see the rows as they were.
with changed_lots as (
    update lots l set awarded = batch.awarded, available = batch.available, expired = batch.expired
    from unnest($1::uuid[], $2::text[], $3::date[], $4::int[], $5::int[], $6::int[])
        as batch (volunteer_id, bucket, expires_on, awarded, available, expired)
    where l.volunteer_id = batch.volunteer_id and l.bucket = batch.bucket and l.expires_on = batch.expires_on
), batch as (
    select * from unnest(
        $7::uuid[], $8::text[], $9::int[], $10::int[], $11::int[], $12::text[], $13::timestamptz[], $14::uuid[]
    ) as batch (volunteer_id, bucket, version, rule_version, points, explanation, first_started_at, first_record_id)
), kept as (
    insert into bucket_history (volunteer_id, bucket, version, rule_version, points, explanation, updated_at)
    select b.volunteer_id, b.bucket, b.version, b.rule_version, b.points, b.explanation, b.updated_at
    from batch join buckets b on b.volunteer_id = batch.volunteer_id and b.bucket = batch.bucket
), changed_buckets as (
    update buckets b set
        version = batch.version, rule_version = batch.rule_version, points = batch.points,
        explanation = batch.explanation::json, first_started_at = batch.first_started_at,
        first_record_id = batch.first_record_id, updated_at = $36
    from batch where b.volunteer_id = batch.volunteer_id and b.bucket = batch.bucket
), earners as (
    update volunteers v set
        version = b.version, available = b.available, earned = b.earned, credit_minutes = b.credit_minutes,
        credit_records = b.credit_records, badge_figures = b.badge_figures, updated_at = greatest(v.updated_at, $36)
    from unnest($37::uuid[], $38::bigint[], $39::bigint[], $40::bigint[], $41::bigint[], $42::int[], $43::text[])
        as b (volunteer_id, version, available, earned, credit_minutes, credit_records, badge_figures)
    where v.volunteer_id = b.volunteer_id
)
update volunteers v set
    version = b.version, available = b.available, held = b.held, debt = b.debt, earned = b.earned, spent = b.spent,
    expired = b.expired, donated = b.donated, credit_minutes = b.credit_minutes, honour_minutes = b.honour_minutes,
    imported_minutes = b.imported_minutes, credit_records = b.credit_records, honour_records = b.honour_records,
    imported_records = b.imported_records, first_started_at = b.first_started_at, first_record_id = b.first_record_id,
    first_day = b.first_day, badge_figures = b.badge_figures, badges = string_to_array(b.badges, ' '),
    criteria_version = b.criteria_version, updated_at = greatest(v.updated_at, $36)
from unnest(
    $15::uuid[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[], $20::bigint[], $21::bigint[],
    $22::bigint[], $23::bigint[], $24::bigint[], $25::bigint[], $26::bigint[], $27::int[], $28::int[], $29::int[],
    $30::timestamptz[], $31::uuid[], $32::date[], $33::text[], $34::text[], $35::int[]
) as b (
    volunteer_id, version, available, held, debt, earned, spent, expired, donated, credit_minutes, honour_minutes,
    imported_minutes, credit_records, honour_records, imported_records, first_started_at, first_record_id, first_day,
    badge_figures, badges, criteria_version
)
where v.volunteer_id = b.volunteer_id;

-- name: insert_hold
-- A pending transfer's head; its lots are its transfers.
insert into holds (hold_id, volunteer_id, points, expires_at, cause_event_id, correlation_id, held_at)
values ($1, $2, $3, $4, $5, $6, $7);

-- name: hold
-- A hold as it is; read after the volunteer's row was locked.
select hold_id, volunteer_id, points, status, expires_at, held_at, settled_at, refunded_at from holds where hold_id = $1;

-- name: settle_hold
-- Posted or voided, once.
update holds set status = $2, settled_at = $3 where hold_id = $1 and status = 'open';

-- name: refund_hold
-- What was captured came back, once.
update holds set status = 'refunded', refunded_at = $2 where hold_id = $1 and status = 'captured';

-- name: lots_of_hold
-- The lots that a hold took from, how much, and what else is in them.
select t.lot_bucket as bucket, t.lot_expires_on as expires_on, t.amount, l.awarded, l.available, l.expired
from transfers t
join lots l on l.volunteer_id = t.volunteer_id and l.bucket = t.lot_bucket and l.expires_on = t.lot_expires_on
where t.pending_id = $1 and t.volunteer_id = $2 and t.code = 'hold';
