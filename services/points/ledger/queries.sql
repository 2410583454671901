-- name: open_accounts
-- An account exists from the first event about its volunteer, under the newest rules; sorted, so that two writers wait
-- instead of deadlock.
insert into volunteers (volunteer_id, generation, opened_at, updated_at)
select id, newest.generation, $2, $2
from unnest($1::uuid[]) as batch (id), (select max(generation) as generation from rule_generations) newest order by id
on conflict (volunteer_id) do nothing;

-- name: lock_volunteers
-- The lock of everything of theirs, in one order for all writers; nothing may be read in this statement.
select volunteer_id from volunteers where volunteer_id = any($1::uuid[]) order by volunteer_id for no key update;

-- name: volunteers
-- Balances and figures, read after the lock.
select volunteer_id, version, available, held, debt, earned, spent, expired, donated,
       credit_minutes, honour_minutes, imported_minutes, credit_records, honour_records, imported_records,
       first_started_at, first_record_id, first_day, badges, criteria_version, badge_figures,
       generation, standing_flags, updated_at
from volunteers where volunteer_id = any($1::uuid[]);

-- name: records
-- The revision of each record that stands, whole.
select record_id, revision, content_hash, volunteer_id, day, status, provenance, kind, theme, closed_by, approval_level,
       started_at, ended_at, minutes, planned_minutes, activity_id, shift_id, site_id, team_id, drive_id, recorded_by,
       recorder_site_id, device_ref, distance_m, event_id, correlation_id
from records where record_id = any($1::uuid[]);

-- name: superseded
-- Have these lower revisions been seen, and with which content?
select s.record_id, s.revision, s.content_hash
from superseded_revisions s
join unnest($1::uuid[], $2::int[]) as batch (record_id, revision)
  on s.record_id = batch.record_id and s.revision = batch.revision;

-- name: inputs
-- All records of the periods of the touched buckets, as a rule reads them.
select r.volunteer_id, batch.bucket, r.record_id, r.revision, r.day, r.status, r.provenance, r.started_at, r.minutes,
       r.planned_minutes, r.kind, r.theme, r.activity_id, r.approval_level
from unnest($1::uuid[], $2::text[], $3::date[], $4::date[]) as batch (volunteer_id, bucket, first, last)
join records r on r.volunteer_id = batch.volunteer_id and r.day between batch.first and batch.last;

-- name: inputs_of_activities
-- The same where a bucket is one activity of a volunteer, or (null) a day's records that belong to no activity.
select r.volunteer_id, batch.bucket, r.record_id, r.revision, r.day, r.status, r.provenance, r.started_at, r.minutes,
       r.planned_minutes, r.kind, r.theme, r.activity_id, r.approval_level
from unnest($1::uuid[], $2::text[], $3::date[], $4::date[], $5::uuid[])
    as batch (volunteer_id, bucket, first, last, activity_id)
join records r on r.volunteer_id = batch.volunteer_id and r.day between batch.first and batch.last
    and r.activity_id is not distinct from batch.activity_id;

-- name: standing_complaints
-- Complaints about any of these records or activities that were not withdrawn.
select record_id, activity_id from complaints
where withdrawn_at is null and (record_id = any($1::uuid[]) or activity_id = any($2::uuid[]));

-- name: volunteers_about
-- Whose state may change because of an activity or of one record.
select distinct volunteer_id from records where activity_id = $1 or record_id = $2 order by volunteer_id;

-- name: records_about
-- The records themselves, whole; read after the locks.
select record_id, revision, content_hash, volunteer_id, day, status, provenance, kind, theme, closed_by, approval_level,
       started_at, ended_at, minutes, planned_minutes, activity_id, shift_id, site_id, team_id, drive_id, recorded_by,
       recorder_site_id, device_ref, distance_m, event_id, correlation_id
from records where activity_id = $1 or record_id = $2 order by record_id;

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

-- name: mark_records
-- The changed records of a batch, in portions that fit a row, for what follows the records.
insert into record_marks (record_ids)
select array_agg(id) from unnest($1::uuid[]) with ordinality as batch (id, place) group by (place - 1) / 500;

-- name: raise_records
-- Records of which a higher revision came; the revisions that stood until now are kept. In one statement, of which both
-- parts see the records as they were.
with kept as (
    insert into superseded_revisions (record_id, revision, content_hash, volunteer_id, event_id, content)
    select record_id, revision, content_hash, volunteer_id, event_id, to_jsonb(records) - 'content_hash'
    from records where record_id = any($1::uuid[])
)
update records r set
    revision = b.revision, content_hash = b.content_hash, volunteer_id = b.volunteer_id, day = b.day,
    status = b.status, provenance = b.provenance, kind = b.kind, theme = b.theme, closed_by = b.closed_by,
    approval_level = b.approval_level, started_at = b.started_at, ended_at = b.ended_at, minutes = b.minutes,
    planned_minutes = b.planned_minutes, activity_id = b.activity_id, shift_id = b.shift_id, site_id = b.site_id,
    team_id = b.team_id, drive_id = b.drive_id, recorded_by = b.recorded_by, recorder_site_id = b.recorder_site_id,
    device_ref = b.device_ref, distance_m = b.distance_m, event_id = b.event_id, correlation_id = b.correlation_id,
    emitted_at = b.emitted_at, received_at = clock_timestamp(), recorded_in = pg_current_xact_id()
from unnest(
    $1::uuid[], $2::int[], $3::bytea[], $4::uuid[], $5::date[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::int[], $15::int[], $16::uuid[], $17::uuid[],
    $18::uuid[], $19::uuid[], $20::uuid[], $21::uuid[], $22::uuid[], $23::text[], $24::int[], $25::uuid[], $26::text[],
    $27::timestamptz[]
) as b (
    record_id, revision, content_hash, volunteer_id, day, status, provenance, kind, theme, closed_by, approval_level,
    started_at, ended_at, minutes, planned_minutes, activity_id, shift_id, site_id, team_id, drive_id, recorded_by,
    recorder_site_id, device_ref, distance_m, event_id, correlation_id, emitted_at
)
where r.record_id = b.record_id;

-- name: write_changed
-- Lots whose points moved; buckets that are worth something else now, or for other reasons, and their versions until now,
-- so that old transfers still explain themselves; balances, lifetime figures, badges (their names joined by a blank) and
-- the version of each account. In one statement, because a small batch costs as much as the statements that it takes;
-- all of its parts see the rows as they were.
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
