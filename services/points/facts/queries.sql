-- name: keep_others_out
-- Who records or withdraws a complaint waits for every batch that is being decided, and new ones wait for it: else a record
-- that arrives at the same time would be judged without the complaint. The lock of the rules comes first, as for them.
select pg_advisory_xact_lock_shared(hashtext('points/rules')), pg_advisory_xact_lock(hashtext('points/complaints'));

-- name: record_known
-- A complaint about a record is about one that points has seen.
select exists (select from records where record_id = $1);

-- name: insert_complaint
-- A complaint as it was recorded.
insert into complaints (complaint_id, activity_id, record_id, reason, recorded_by, recorded_at)
values ($1, $2, $3, $4, $5, $6);

-- name: find_complaint
-- One complaint, for reading.
select complaint_id, activity_id, record_id, reason, recorded_by, recorded_at, withdrawn_by, withdrawn_at, withdrawn_reason
from complaints where complaint_id = $1;

-- name: list_complaints
-- Newest first, by keyset; UUIDv7 orders by creation. $3: only those about service that lies at these sites alone.
select complaint_id, activity_id, record_id, reason, recorded_by, recorded_at, withdrawn_by, withdrawn_at, withdrawn_reason
from complaints c
where ($1::uuid is null or complaint_id < $1)
  and ($3::uuid[] is null
       or (select bool_and(coalesce(r.site_id = any($3), false)) from records r
           where r.activity_id = c.activity_id or r.record_id = c.record_id))
order by complaint_id desc limit $2;

-- name: withdraw_complaint
-- Withdrawn once; the complaint stays on record.
update complaints set withdrawn_by = $2, withdrawn_at = $3, withdrawn_reason = $4, withdrawn_in = pg_current_xact_id()
where complaint_id = $1 and withdrawn_at is null returning complaint_id;

-- name: sites_about
-- Where the service lies that a complaint is about.
select distinct site_id from records where activity_id = $1 or record_id = $2;

-- name: has_served
-- Who was brought in counts once they have served; under their lock, so that it stays so until the bonus is posted.
select exists (select from records where volunteer_id = $1 and status = 'confirmed');

-- name: account_known
-- Has points seen this volunteer?
select exists (select from volunteers where volunteer_id = $1);

-- name: lock_recorder
-- One account's referrals go one after the other, so that two at once cannot pass the limit of its day.
select pg_advisory_xact_lock(hashtextextended('referrals/' || $1::uuid::text, 0));

-- name: count_recorded
-- What the account recorded on a day, withdrawn ones too.
select count(*) from referrals where recorded_by = $1 and day = $2;

-- name: insert_referral
-- A volunteer has one referrer; no row is returned if there is one already.
insert into referrals (referral_id, referrer_id, referred_id, day, recorded_by, recorded_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (referred_id) where withdrawn_at is null do nothing returning referral_id;

-- name: find_referral
-- One referral, for reading.
select referral_id, referrer_id, referred_id, day, recorded_by, recorded_at, withdrawn_by, withdrawn_at, withdrawn_reason
from referrals where referral_id = $1;

-- name: list_referrals
-- Newest first, by keyset; $4: only by those who served or redeemed something at one of these sites, as accounts are read.
select referral_id, referrer_id, referred_id, day, recorded_by, recorded_at, withdrawn_by, withdrawn_at, withdrawn_reason
from referrals f
where ($1::uuid is null or referral_id < $1) and ($3::uuid is null or referrer_id = $3)
  and ($4::uuid[] is null
       or exists (select from records r where r.volunteer_id = f.referrer_id and r.site_id = any($4))
       or exists (select from redemption r where r.volunteer_id = f.referrer_id and r.site_id = any($4)))
order by referral_id desc limit $2;

-- name: withdraw_referral
-- Withdrawn once; the referral stays on record.
update referrals set withdrawn_by = $2, withdrawn_at = $3, withdrawn_reason = $4, withdrawn_in = pg_current_xact_id()
where referral_id = $1 and withdrawn_at is null returning referral_id;
