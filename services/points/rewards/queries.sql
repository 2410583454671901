-- name: insert_reward
-- A new line of the catalogue.
insert into reward (reward_id, name, description, price, per_quarter_limit, available_from, available_until, hold_days,
                    created_at, created_by, per_person_limit)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: find_reward
-- One reward, to decide on a hold.
select reward_id, name, description, price, per_quarter_limit, available_from, available_until, hold_days,
       per_person_limit, version
from reward where reward_id = $1;

-- name: find_offer
-- The same at one site, and what is left there, at once and without a lock: requests for an empty shelf must neither
-- queue for it nor cost much.
select r.reward_id, r.name, r.description, r.price, r.per_quarter_limit, r.available_from, r.available_until,
       coalesce(d.hold_days, r.hold_days) as hold_days, r.per_person_limit, r.version,
       coalesce(s.free, 0) as free
from reward r
left join reward_hold_days d on d.reward_id = r.reward_id and d.site_id = $2
left join reward_stock s on s.reward_id = r.reward_id and s.site_id = $2
where r.reward_id = $1;

-- name: list_rewards
-- The catalogue, newest first, by keyset; UUIDv7 orders by creation. With a moment: without those whose time is over by then.
select reward_id, name, description, price, per_quarter_limit, available_from, available_until, hold_days,
       per_person_limit, version
from reward
where ($1::uuid is null or reward_id < $1)
  and ($3::timestamptz is null or available_until is null or available_until > $3)
order by reward_id desc limit $2;

-- name: list_stock
-- What lies where, for a page of rewards.
select reward_id, site_id, received, free, reserved, handed_over
from reward_stock where reward_id = any($1::uuid[]) order by reward_id, site_id;

-- name: read_free
-- What is left at one site, without a lock: requests for an empty shelf must not queue for it.
select free from reward_stock where reward_id = $1 and site_id = $2;

-- name: receive_stock
-- Items came in (or a later count differs); the first receipt opens the shelf. Refused by a constraint if it would go below zero.
insert into reward_stock (reward_id, site_id, received, free) values ($1, $2, $3, $3)
on conflict (reward_id, site_id) do update
set received = reward_stock.received + excluded.received, free = reward_stock.free + excluded.free
returning reward_id, site_id, received, free, reserved, handed_over;

-- name: insert_receipt
-- Who received what; stock = the sum of these (audit A7).
insert into reward_receipt (receipt_id, reward_id, site_id, quantity, note, received_at, received_by)
values ($1, $2, $3, $4, $5, $6, $7);

-- name: move_stock
-- Reserve, capture, release. The conditions make it impossible to oversell whatever was read before; last statement
-- of its transaction, so that the shelf is locked for the commit only.
update reward_stock set free = free + $3, reserved = reserved + $4, handed_over = handed_over + $5
where reward_id = $1 and site_id = $2 and free + $3 >= 0 and reserved + $4 >= 0 and handed_over + $5 >= 0
returning free;

-- name: count_taken
-- What counts against the limit of a quarter: released and refunded ones do not.
select count(*) from redemption
where volunteer_id = $1 and reward_id = $2 and quarter = $3 and status in ('held', 'captured');

-- name: count_all_taken
-- The same over all rewards, where the rule limits how often anything may be redeemed.
select count(*) from redemption where volunteer_id = $1 and quarter = $2 and status in ('held', 'captured');

-- name: read_available
-- What the volunteer may spend, under their lock.
select available from volunteers where volunteer_id = $1;

-- name: insert_redemption
-- A hold begins.
insert into redemption (redemption_id, reward_id, reward_name, volunteer_id, site_id, points, status, quarter, held_at,
                        expires_at, device_ref)
values ($1, $2, $3, $4, $5, $6, 'held', $7, $8, $9, 'phone:' || $10::text);

-- name: insert_pickup
-- The code of an open hold; none returned when another open hold has it.
insert into pickup (redemption_id, code) values ($1, $2) on conflict (code) do nothing returning code;

-- name: end_pickup
-- The hold ended and the code with it; it is remembered for a while, to say so to who types it again.
with ended as (
    delete from pickup where redemption_id = $1 returning redemption_id, code
)
insert into pickup_spent (redemption_id, code, spent_at) select redemption_id, code, $2 from ended
on conflict (redemption_id) do nothing;

-- name: lock_pickup
-- One guess at a time, so that the count of wrong ones is exact.
select p.code, p.wrong_codes, p.locked_until from pickup p where p.redemption_id = $1 for update;

-- name: note_guess
-- How many wrong codes in a row, and until when no more are heard.
update pickup set wrong_codes = $2, locked_until = $3 where redemption_id = $1;

-- name: read_code
-- The code of an open hold; for the use case itself, under the volunteer's lock.
select code from pickup where redemption_id = $1;

-- name: read_codes
-- Codes of open holds, shown to the volunteer who holds them only.
select p.redemption_id, p.code from pickup p join redemption r using (redemption_id)
where r.volunteer_id = $1 and p.redemption_id = any($2::uuid[]);

-- name: find_redemption
-- One redemption; taken again under the volunteer's lock before anything is decided.
select redemption_id, reward_id, reward_name, volunteer_id, site_id, points, status, version, held_at, expires_at,
       settled_at, reason, stock_returned
from redemption where redemption_id = $1;

-- name: settle_redemption
-- The next status; the version in the condition is the pair of the lock: who comes second changes nothing.
update redemption set status = $3, version = version + 1, settled_at = $4, settled_by = $5, reason = $6, stock_returned = $7
where redemption_id = $1 and version = $2 returning version;

-- name: list_redemptions
-- Own ones, or those at the caller's sites; newest first by keyset. A null list of sites means all.
select redemption_id, reward_id, reward_name, volunteer_id, site_id, points, status, version, held_at, expires_at,
       settled_at, reason, stock_returned
from redemption
where ($1::uuid is null or volunteer_id = $1) and ($2::uuid[] is null or site_id = any($2))
  and ($3::text is null or status = $3) and ($4::uuid is null or redemption_id < $4)
  and ($6::uuid is null or reward_id = $6)
order by redemption_id desc limit $5;

-- name: due_redemptions
-- Holds whose time is over, oldest first, a bounded batch; read without a lock, checked again under it.
select redemption_id, reward_id, reward_name, volunteer_id, site_id, points, status, version, held_at, expires_at,
       settled_at, reason, stock_returned
from redemption where status = 'held' and expires_at <= $1 order by expires_at, redemption_id limit $2;

-- name: redemptions_by_id
-- The same holds again, after their volunteers were locked.
select redemption_id, reward_id, reward_name, volunteer_id, site_id, points, status, version, held_at, expires_at,
       settled_at, reason, stock_returned
from redemption where redemption_id = any($1::uuid[]) order by volunteer_id, redemption_id;

-- name: bare_holds_due
-- Holds whose time is over and that no redemption settles together with stock and status; oldest first, not locked.
select hold_id, volunteer_id from holds h
where status = 'open' and expires_at <= $1 and not exists (select from redemption r where r.redemption_id = h.hold_id)
order by expires_at, hold_id limit $2;

-- name: count_ever
-- What counts against the limit of a person.
select count(*) from redemption where volunteer_id = $1 and reward_id = $2 and status in ('held', 'captured');

-- name: set_hold_days
-- Holds that are under way keep the time that they were promised.
insert into reward_hold_days (reward_id, site_id, hold_days, changed_at, changed_by) values ($1, $2, $3, $4, $5)
on conflict (reward_id, site_id) do update
set hold_days = excluded.hold_days, changed_at = excluded.changed_at, changed_by = excluded.changed_by;

-- name: lock_shelf
-- Counting compares with what should lie there, so nothing may move meanwhile.
select reward_id, site_id, received, free, reserved, handed_over from reward_stock
where reward_id = $1 and site_id = $2 for update;

-- name: correct_shelf
-- A count found more or fewer than should lie there.
update reward_stock set received = received + $3, free = free + $3 where reward_id = $1 and site_id = $2
returning reward_id, site_id, received, free, reserved, handed_over;

-- name: insert_count
-- Who counted what.
insert into reward_count (count_id, reward_id, site_id, counted, expected, reason, receipt_id, counted_at, counted_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: put_photo
-- One photo per reward; the newest.
insert into reward_photo (reward_id, content_type, content, etag, changed_at, changed_by) values ($1, $2, $3, $4, $5, $6)
on conflict (reward_id) do update
set content_type = excluded.content_type, content = excluded.content, etag = excluded.etag,
    changed_at = excluded.changed_at, changed_by = excluded.changed_by;

-- name: photo
-- For everybody.
select content_type, content, etag from reward_photo where reward_id = $1;

-- name: unreminded
-- Holds whose time is nearly over and that were ever longer than the notice, not yet reminded of; not locked.
select redemption_id, reward_id, reward_name, volunteer_id, site_id, points, status, version, held_at, expires_at,
       settled_at, reason, stock_returned
from redemption
where status = 'held' and reminded_at is null and expires_at > $1 and expires_at <= $1 + $2::interval
  and held_at < expires_at - $2::interval
order by expires_at, redemption_id limit $3;

-- name: note_reminder
-- Reminded once; the version is the event's.
update redemption set reminded_at = $3, version = version + 1
where redemption_id = $1 and version = $2 and status = 'held' and reminded_at is null returning version;
