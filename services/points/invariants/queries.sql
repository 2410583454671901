-- name: balances_against_transfers
-- A1: what each volunteer's row says against the sum of their transfers. Account kinds: 0 issuance, 1 available, 2 held,
-- 3 debt, 4 redeemed, 5 expired, 6 donated. One pass over transfers; only differences come back.
with sums as (
    select volunteer_id,
           sum(case when credit = 1 then amount when debit = 1 then -amount else 0 end) as available,
           sum(case when credit = 2 then amount when debit = 2 then -amount else 0 end) as held,
           sum(case when debit = 3 then amount when credit = 3 then -amount else 0 end) as debt,
           sum(case when debit = 0 then amount when credit = 0 then -amount else 0 end) as earned,
           sum(case when credit = 4 then amount when debit = 4 then -amount else 0 end) as spent,
           sum(case when credit = 5 then amount when debit = 5 then -amount else 0 end) as expired,
           sum(case when credit = 6 then amount when debit = 6 then -amount else 0 end) as donated
    from points.transfers group by volunteer_id
)
select coalesce(v.volunteer_id, s.volunteer_id) as volunteer_id,
       coalesce(v.available, 0) as available, coalesce(s.available, 0)::bigint as available_sum,
       coalesce(v.held, 0) as held, coalesce(s.held, 0)::bigint as held_sum,
       coalesce(v.debt, 0) as debt, coalesce(s.debt, 0)::bigint as debt_sum,
       coalesce(v.earned, 0) as earned, coalesce(s.earned, 0)::bigint as earned_sum,
       coalesce(v.spent, 0) as spent, coalesce(s.spent, 0)::bigint as spent_sum,
       coalesce(v.expired, 0) as expired, coalesce(s.expired, 0)::bigint as expired_sum,
       coalesce(v.donated, 0) as donated, coalesce(s.donated, 0)::bigint as donated_sum
from points.volunteers v full join sums s using (volunteer_id)
where v.volunteer_id is null
   or (v.available, v.held, v.debt, v.earned, v.spent, v.expired, v.donated)
      is distinct from
      (coalesce(s.available, 0), coalesce(s.held, 0), coalesce(s.debt, 0), coalesce(s.earned, 0), coalesce(s.spent, 0),
       coalesce(s.expired, 0), coalesce(s.donated, 0))
order by 1;

-- name: lots_against_transfers
-- A1: what each lot says against the transfers that awarded, moved or expired its points. A transfer is about the lot that
-- it awards and about the lot whose points move: for almost all it is the same one, so that one row stands for both.
with moved as (
    select volunteer_id, bucket, expires_on, sum(awarded) as awarded, sum(available) as available, sum(expired) as expired
    from (
        select volunteer_id, bucket, expires_on,
               case code when 'award' then amount when 'reversal' then -amount else 0 end as awarded,
               case when (lot_bucket, lot_expires_on) is distinct from (bucket, expires_on) then 0
                    when credit = 1 then amount when debit = 1 then -amount else 0 end as available,
               case when (lot_bucket, lot_expires_on) is distinct from (bucket, expires_on) then 0
                    when credit = 5 then amount when debit = 5 then -amount else 0 end as expired
        from points.transfers where bucket is not null and expires_on is not null
        union all
        select volunteer_id, lot_bucket, lot_expires_on, 0,
               case when credit = 1 then amount when debit = 1 then -amount else 0 end,
               case when credit = 5 then amount when debit = 5 then -amount else 0 end
        from points.transfers
        where lot_bucket is not null and lot_expires_on is not null
          and (lot_bucket, lot_expires_on) is distinct from (bucket, expires_on)
    ) as parts group by volunteer_id, bucket, expires_on
)
select coalesce(l.volunteer_id, m.volunteer_id) as volunteer_id, coalesce(l.bucket, m.bucket) as bucket,
       coalesce(l.expires_on, m.expires_on)::text as expires_on,
       coalesce(l.awarded, 0) as awarded, coalesce(m.awarded, 0)::bigint as awarded_sum,
       coalesce(l.available, 0) as available, coalesce(m.available, 0)::bigint as available_sum,
       coalesce(l.expired, 0) as expired, coalesce(m.expired, 0)::bigint as expired_sum
from points.lots l full join moved m using (volunteer_id, bucket, expires_on)
where (coalesce(l.awarded, 0), coalesce(l.available, 0), coalesce(l.expired, 0))
      is distinct from (coalesce(m.awarded, 0), coalesce(m.available, 0), coalesce(m.expired, 0))
order by 1, 2, 3;

-- name: impossible_transfers
-- A1: movements that the ledger does not know, available or expired points that moved outside of any lot, and points that
-- ran out before their last day was over.
select transfer_id, volunteer_id, code, debit, credit, amount, lot_bucket
from points.transfers
where amount <= 0 or debit = credit
   or debit not in (select kind from points.account_kinds) or credit not in (select kind from points.account_kinds)
   or ((debit in (1, 5) or credit in (1, 5)) and (lot_bucket is null or lot_expires_on is null))
   or (code in ('award', 'reversal') and (bucket is null or expires_on is null))
   or (code = 'expiry' and (posted_at at time zone 'Asia/Shanghai')::date <= lot_expires_on)
order by transfer_id;

-- name: accounts_sum
-- A1: every account's balance; together they are zero. Debt and issuance are owed, so they count against.
select (select count(*) from points.transfers) as transfers,
       (select coalesce(sum(available + held - debt + spent + expired + donated - earned), 0)::bigint
        from points.volunteers) as total;

-- name: balances_out_of_bounds
-- A2: below zero, points and debt side by side, holds or lots that don't add up to the balance.
with open_holds as (
    select volunteer_id, sum(points) as held from points.holds where status = 'open' group by volunteer_id
), open_lots as (
    select volunteer_id, sum(available) as available, min(least(awarded, available, expired)) as lowest
    from points.lots group by volunteer_id
)
select coalesce(v.volunteer_id, h.volunteer_id, l.volunteer_id) as volunteer_id,
       coalesce(v.available, 0) as available, coalesce(l.available, 0)::bigint as in_lots,
       coalesce(v.held, 0) as held, coalesce(h.held, 0)::bigint as in_holds, coalesce(v.debt, 0) as debt,
       coalesce(l.lowest, 0) as lowest
from points.volunteers v full join open_holds h using (volunteer_id) full join open_lots l using (volunteer_id)
where least(v.available, v.held, v.debt) < 0 or (v.available <> 0 and v.debt <> 0)
   or coalesce(v.available, 0) <> coalesce(l.available, 0) or coalesce(v.held, 0) <> coalesce(h.held, 0)
   or l.lowest < 0
order by 1;

-- name: holds_against_transfers
-- A2: each hold's points against what its transfers still hold: all while open, nothing after; each step once.
with held as (
    select pending_id, sum(case when credit = 2 then amount when debit = 2 then -amount else 0 end) as held,
           sum(case when credit = 4 then amount when debit = 4 then -amount else 0 end) as spent,
           coalesce(sum(amount) filter (where code = 'hold'), 0) as opened,
           coalesce(sum(amount) filter (where code = 'release'), 0) as released,
           coalesce(sum(amount) filter (where code = 'capture'), 0) as captured,
           coalesce(sum(amount) filter (where code = 'refund'), 0) as refunded,
           array_agg(transfer_id order by transfer_id) as transfer_ids
    from points.transfers where pending_id is not null group by pending_id
)
select coalesce(h.hold_id, t.pending_id) as hold_id, coalesce(h.status, 'missing') as status, coalesce(h.points, 0) as points,
       coalesce(t.held, 0)::bigint as held, coalesce(t.spent, 0)::bigint as spent,
       coalesce(t.transfer_ids, '{}') as transfer_ids
from points.holds h full join held t on t.pending_id = h.hold_id
where coalesce(t.held, 0) <> case when h.status = 'open' then h.points else 0 end
   or coalesce(t.spent, 0) <> case when h.status = 'captured' then h.points else 0 end
   or (coalesce(t.opened, 0), coalesce(t.released, 0), coalesce(t.captured, 0), coalesce(t.refunded, 0))
      <> (h.points, case when h.status = 'released' then h.points else 0 end,
          case when h.status in ('captured', 'refunded') then h.points else 0 end,
          case when h.status = 'refunded' then h.points else 0 end)
order by 1;

-- name: volunteers_counted
-- How many accounts were examined.
select count(*) from points.volunteers;

-- name: equation_broken
-- A6 per volunteer.
select volunteer_id, earned, available, held, spent, expired, donated, debt
from points.volunteers where earned <> available + held + spent + expired + donated - debt order by 1;

-- name: issued_and_owed
-- A6 for the district: what was issued, by transfers alone, against where it is, by the volunteers' rows alone.
select (select coalesce(sum(case when debit = 0 then amount when credit = 0 then -amount else 0 end), 0)::bigint
        from points.transfers) as issued,
       coalesce(sum(available), 0)::bigint as available, coalesce(sum(held), 0)::bigint as held,
       coalesce(sum(spent), 0)::bigint as spent, coalesce(sum(expired), 0)::bigint as expired,
       coalesce(sum(donated), 0)::bigint as donated, coalesce(sum(debt), 0)::bigint as debt
from points.volunteers;

-- name: stock_counted
-- How many shelves were examined.
select count(*) from points.reward_stock;

-- name: stock_out_of_balance
-- A7: each shelf against its receipts and its redemptions, counted anew. A refunded item that did not come back stays
-- handed over.
with receipts as (
    select reward_id, site_id, sum(quantity) as received from points.reward_receipt group by reward_id, site_id
), taken as (
    select reward_id, site_id, count(*) filter (where status = 'held') as reserved,
           count(*) filter (where status = 'captured' or (status = 'refunded' and not stock_returned)) as handed_over
    from points.redemption group by reward_id, site_id
)
select coalesce(s.reward_id, r.reward_id, t.reward_id) as reward_id, coalesce(s.site_id, r.site_id, t.site_id) as site_id,
       coalesce(s.received, 0) as received, coalesce(r.received, 0)::bigint as receipts, coalesce(s.free, 0) as free,
       coalesce(s.reserved, 0) as reserved, coalesce(t.reserved, 0) as held_now,
       coalesce(s.handed_over, 0) as handed_over, coalesce(t.handed_over, 0) as captured_now
from points.reward_stock s
full join receipts r using (reward_id, site_id) full join taken t using (reward_id, site_id)
where s.reward_id is null or s.free + s.reserved + s.handed_over <> s.received
   or least(s.free, s.reserved, s.handed_over) < 0 or s.received <> coalesce(r.received, 0)
   or s.reserved <> coalesce(t.reserved, 0) or s.handed_over <> coalesce(t.handed_over, 0)
order by 1, 2;

-- name: counts_against_receipts
-- A7: what a count found too much or too little came in, or went, by a receipt of that count and shelf.
select c.count_id, c.counted, c.expected, r.quantity, r.reward_id is not distinct from c.reward_id
       and r.site_id is not distinct from c.site_id as same_shelf
from points.reward_count c left join points.reward_receipt r using (receipt_id)
where coalesce(r.quantity, 0) <> c.counted - c.expected
   or (r.receipt_id is not null and (r.reward_id, r.site_id) <> (c.reward_id, c.site_id))
order by 1;

-- name: redemptions_against_holds
-- A7: a redemption and the hold of its points stand at the same place.
select r.redemption_id, r.status, r.points, coalesce(h.status, 'missing') as hold_status, coalesce(h.points, 0) as hold_points
from points.redemption r left join points.holds h on h.hold_id = r.redemption_id
where h.hold_id is null or h.points <> r.points or h.volunteer_id <> r.volunteer_id
   or h.status <> case r.status when 'held' then 'open' else r.status end
order by 1;

-- name: lift_limits
-- To sum a large ledger may take longer than a request ever should.
set local statement_timeout = 0;
