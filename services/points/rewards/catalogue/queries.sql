-- name: lock_reward
-- One change at a time, so that the history of changes is a chain.
select reward_id, name, description, price, per_quarter_limit, available_from, available_until, hold_days,
       per_person_limit, version
from reward where reward_id = $1 for update;

-- name: change_reward
-- Holds that are under way keep the price and the time that they were made under.
update reward
set name = $2, description = $3, price = $4, per_quarter_limit = $5, available_from = $6, available_until = $7,
    hold_days = $8, per_person_limit = $9, version = $10
where reward_id = $1;

-- name: insert_reward_change
-- Who changed what; never changed itself.
insert into reward_change (change_id, reward_id, before, after, changed_at, changed_by)
values ($1, $2, $3::jsonb, $4::jsonb, $5, $6);

-- name: list_reward_changes
-- What was changed, newest first; changes are few.
select change_id, before, after, changed_at, changed_by from reward_change
where reward_id = $1 order by change_id desc limit $2;

-- name: photo_tags
-- Which of a page of rewards have a photo, and which one.
select reward_id, etag from reward_photo where reward_id = any($1::uuid[]);

-- name: taken_of
-- What one volunteer took of a page of rewards, given-back ones aside: in the quarter, and ever.
select reward_id, count(*) filter (where quarter = $3) as in_quarter, count(*) as ever from redemption
where volunteer_id = $1 and reward_id = any($2::uuid[]) and status in ('held', 'captured') group by reward_id;

-- name: list_hold_days
-- Sites at which a reward waits another time than its own.
select site_id, hold_days from reward_hold_days where reward_id = $1;

-- name: shelf_history
-- Receipts and counts of one shelf, newest first, by keyset. A count that found a difference stands for its receipt.
select coalesce(c.count_id, r.receipt_id) as entry_id, c.count_id is not null as counted, coalesce(r.quantity, 0) as change,
       c.counted as found, c.expected, coalesce(c.reason, r.note) as note, coalesce(c.counted_at, r.received_at) as at,
       coalesce(c.counted_by, r.received_by) as by
from (select * from reward_receipt where reward_id = $1 and site_id = $2) r
full join (select * from reward_count where reward_id = $1 and site_id = $2) c using (receipt_id)
where $3::uuid is null or coalesce(c.count_id, r.receipt_id) < $3
order by entry_id desc limit $4;
