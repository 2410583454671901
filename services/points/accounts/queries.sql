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
       lot_expires_on, pending_id, cause_event_id, correlation_id, posted_at
from transfer_entries where volunteer_id = $1 and ($2::bigint is null or transfer_id < $2)
order by transfer_id desc limit $3;

-- name: bucket_versions
-- What a page of awards and reversals was computed from, each at the version that it was posted under.
select b.bucket, b.version, b.rule_version, b.points, b.explanation, b.updated_at
from bucket_versions b join unnest($2::text[], $3::integer[]) as wanted (bucket, version) using (bucket, version)
where b.volunteer_id = $1;

-- name: list_buckets
-- Everything that was computed for a volunteer, also what came to nothing: latest day first, lifetime bonuses before days.
select bucket, version, rule_version, points, explanation, updated_at from buckets
where volunteer_id = $1 and ($2::text is null or bucket < $2) order by bucket desc limit $3;

-- name: records_at_revisions
-- The records behind explanations, each at the revision that counted, with who and what recorded it.
select r.record_id, r.revision, r.status, r.provenance, r.closed_by, r.theme, r.kind, r.started_at, r.ended_at, r.site_id,
       r.activity_id, r.device_ref, r.recorded_by, r.recorder_site_id, r.event_id
from records r join unnest($2::uuid[], $3::integer[]) as wanted (record_id, revision) using (record_id, revision)
where r.volunteer_id = $1;

-- name: superseded_at_revisions
-- The same for revisions that were replaced since.
select s.record_id, s.revision, s.event_id, s.content
from superseded_revisions s
join unnest($2::uuid[], $3::integer[]) as wanted (record_id, revision) using (record_id, revision)
where s.volunteer_id = $1;

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
