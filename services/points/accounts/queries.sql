-- name: find_account
-- Balances and lifetime figures as the ledger keeps them.
select volunteer_id, available, held, debt, earned, spent, expired, donated, credit_minutes, honour_minutes,
       imported_minutes, credit_records, honour_records, imported_records
from volunteers where volunteer_id = $1;

-- name: list_badges
-- Badges held now, oldest first.
select badge, name, criteria_version, awarded_at from badge_awards
where volunteer_id = $1 and revoked_at is null order by awarded_at, badge;

-- name: list_transfers
-- A page of a volunteer's statement, newest first, by the primary key.
select transfer_id, code, debit_account, credit_account, amount, bucket, bucket_version, rule_version, expires_on, lot_bucket,
       lot_expires_on, pending_id, posting_id, cause_event_id, correlation_id, posted_at
from transfer_entries where volunteer_id = $1 and ($2::bigint is null or transfer_id < $2)
order by transfer_id desc limit $3;

-- name: horizon
-- Below it nothing can still commit: a transaction in progress reads business time after it began. Driven time stands
-- where it was put, so there it is the instant itself, exact while nothing is in progress.
select least(
    business.now(),
    case when (select instant from business.clock) is null then (
        select min(xact_start) - interval '1 microsecond' from pg_stat_activity
        where datname = current_database() and usename = current_user and xact_start is not null
    ) end
) as horizon;

-- name: figures_at
-- Balances as of a moment: the sums of what had been posted by then. Account kinds: 0 issuance, 1 available, 2 held,
-- 3 debt, 4 redeemed, 5 expired, 6 donated.
select coalesce(sum(case when credit = 1 then amount when debit = 1 then -amount else 0 end), 0)::bigint as available,
       coalesce(sum(case when credit = 2 then amount when debit = 2 then -amount else 0 end), 0)::bigint as held,
       coalesce(sum(case when debit = 3 then amount when credit = 3 then -amount else 0 end), 0)::bigint as debt,
       coalesce(sum(case when debit = 0 then amount when credit = 0 then -amount else 0 end), 0)::bigint as earned,
       coalesce(sum(case when credit = 4 then amount when debit = 4 then -amount else 0 end), 0)::bigint as spent,
       coalesce(sum(case when credit = 5 then amount when debit = 5 then -amount else 0 end), 0)::bigint as expired,
       coalesce(sum(case when credit = 6 then amount when debit = 6 then -amount else 0 end), 0)::bigint as donated
from transfers where volunteer_id = $1 and posted_at <= $2;

-- name: list_lots
-- A page of all lots of a volunteer with what moved in each, latest bucket first, by the primary key. What moved is
-- the signed change of what may be spent, by code.
with page as (
    select bucket, expires_on, awarded, available, expired from lots
    where volunteer_id = $1 and ($2::text is null or (bucket, expires_on) < ($2, $3::date))
    order by bucket desc, expires_on desc limit $4
), moved as (
    select lot_bucket, lot_expires_on, code,
           sum(case when credit = 1 then amount when debit = 1 then -amount else 0 end) as change,
           sum(case when credit = 2 then amount when debit = 2 then -amount else 0 end) as held,
           sum(case when credit = 4 then amount when debit = 4 then -amount else 0 end) as spent
    from transfers where volunteer_id = $1 and lot_bucket in (select bucket from page)
    group by lot_bucket, lot_expires_on, code
)
select p.bucket, p.expires_on, p.awarded, p.available, p.expired, coalesce(sum(m.held), 0)::bigint as held,
       coalesce(sum(m.spent), 0)::bigint as spent,
       coalesce(json_object_agg(m.code, m.change) filter (where m.change <> 0), '{}') as movements
from page p left join moved m on m.lot_bucket = p.bucket and m.lot_expires_on = p.expires_on
group by p.bucket, p.expires_on, p.awarded, p.available, p.expired
order by p.bucket desc, p.expires_on desc;

-- name: movements
-- All that ever changed what a volunteer may spend, by code, signed.
select code, sum(case when credit = 1 then amount else -amount end)::bigint as change
from transfers where volunteer_id = $1 and 1 in (debit, credit) group by code order by code;

-- name: standing_buckets
-- Buckets of a page of lots as they stand.
select bucket, version, rule_version, points, explanation, updated_at from buckets
where volunteer_id = $1 and bucket = any($2::text[]);

-- name: adjustments_seen
-- Manual adjustments behind explanations; the evidence is for operators.
select adjustment_id, points, reason, proposed_by, proposed_at, decided_by, decided_at from adjustments
where volunteer_id = $1 and adjustment_id = any($2::uuid[]) and status = 'approved';

-- name: bucket_versions
-- What a page of awards and reversals was computed from, each at the version that it was posted under.
select b.bucket, b.version, b.rule_version, b.points, b.explanation, b.updated_at
from bucket_versions b join unnest($2::text[], $3::integer[]) as wanted (bucket, version) using (bucket, version)
where b.volunteer_id = $1;

-- name: list_buckets
-- Everything that was computed for a volunteer, also what earned nothing: latest day first, lifetime bonuses before days.
select bucket, version, rule_version, points, explanation, updated_at from buckets
where volunteer_id = $1 and ($2::text is null or bucket < $2) order by bucket desc limit $3;

-- name: records_at_revisions
-- The records behind explanations, each at the revision that counted, with who and what recorded it.
select r.record_id, r.revision, r.status, r.provenance, r.closed_by, r.theme, r.kind, r.started_at, r.ended_at, r.site_id,
       r.activity_id, r.device_ref, r.recorded_by, r.recorder_site_id, r.approval_level, r.planned_minutes,
       r.correlation_id, r.event_id
from records r join unnest($2::uuid[], $3::integer[]) as wanted (record_id, revision) using (record_id, revision)
where r.volunteer_id = $1;

-- name: standing_records
-- The same as they stand, whatever their revision.
select record_id, revision, status, provenance, closed_by, theme, kind, started_at, ended_at, site_id, activity_id,
       device_ref, recorded_by, recorder_site_id, approval_level, planned_minutes, correlation_id, event_id
from records where volunteer_id = $1 and record_id = any($2::uuid[]);

-- name: superseded_at_revisions
-- The same for revisions that were replaced since.
select s.record_id, s.revision, s.event_id, s.content
from superseded_revisions s
join unnest($2::uuid[], $3::integer[]) as wanted (record_id, revision) using (record_id, revision)
where s.volunteer_id = $1;

-- name: cases_seen
-- Cases of integrity about records that are or were held back.
select f.record_id, c.case_id, c.kind, c.status, c.opened_at, c.settled_at
from record_flags f join cases c using (case_id) where f.record_id = any($1::uuid[]) order by c.opened_at, c.case_id;

-- name: rewards_of_holds
-- What holds were for.
select redemption_id, reward_id, reward_name, site_id, status from redemption
where volunteer_id = $1 and redemption_id = any($2::uuid[]);

-- name: ledger_totals
-- The district's points; issued is what was awarded less what was reversed.
select count(*) as volunteers, coalesce(sum(earned), 0)::bigint as issued, coalesce(sum(available), 0)::bigint as available,
       coalesce(sum(held), 0)::bigint as held, coalesce(sum(spent), 0)::bigint as spent,
       coalesce(sum(expired), 0)::bigint as expired, coalesce(sum(donated), 0)::bigint as donated,
       coalesce(sum(debt), 0)::bigint as debt
from volunteers;

-- name: badge_totals
-- How many hold each badge.
select badge, count(*) as holders from badge_awards where revoked_at is null group by badge order by badge;

-- name: redemption_totals
-- Redemptions by where they stand.
select status, count(*) as redemptions from redemption group by status order by status;
