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

-- name: insert
-- A volunteer has one referrer; no row is returned if there is one already.
insert into referrals (referral_id, referrer_id, referred_id, day, recorded_by, recorded_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (referred_id) where withdrawn_at is null do nothing returning referral_id;

-- name: find
-- One referral, for reading.
select referral_id, referrer_id, referred_id, day, recorded_by, recorded_at, withdrawn_by, withdrawn_at, withdrawn_reason
from referrals where referral_id = $1;

-- name: newest
-- Newest first, by keyset; $4: only by those who served or redeemed something at one of these sites, as accounts are read.
select referral_id, referrer_id, referred_id, day, recorded_by, recorded_at, withdrawn_by, withdrawn_at, withdrawn_reason
from referrals f
where ($1::uuid is null or referral_id < $1) and ($3::uuid is null or referrer_id = $3)
  and ($4::uuid[] is null
       or exists (select from records r where r.volunteer_id = f.referrer_id and r.site_id = any($4))
       or exists (select from redemption r where r.volunteer_id = f.referrer_id and r.site_id = any($4)))
order by referral_id desc limit $2;

-- name: withdraw
-- Withdrawn once; the referral stays on record.
update referrals set withdrawn_by = $2, withdrawn_at = $3, withdrawn_reason = $4, withdrawn_in = pg_current_xact_id()
where referral_id = $1 and withdrawn_at is null returning referral_id;
