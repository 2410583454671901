-- name: claim
-- One worker per key: a second request learns at once that the first is still at it. The lock ends with the transaction;
-- what was answered before is read after it, so that it shows what the first worker committed.
select claimed, body_hash, status, content_type, body, replays, age from claim_answer($1, $2);

-- name: count_replay
-- Every request that meets a stored answer is counted, also one that is refused.
update idempotency set replays = least(replays + 1, 32000) where scope = $1 and key = $2;

-- name: keep
-- Keep the answer in the transaction of the work itself: both happen or neither.
insert into idempotency (scope, key, body_hash, status, content_type, body) values ($1, $2, $3, $4, $5, $6);

-- name: keep_with_event
-- The same, and the event of a work that has one: most have, and a statement less is a round trip less.
with event as (insert into outbox (event_id, topic, key, headers, value) values ($7, $8, $9, $10, $11))
insert into idempotency (scope, key, body_hash, status, content_type, body) values ($1, $2, $3, $4, $5, $6);

-- name: purge
-- Answers hold personal data: they go after a day of real time, whatever business time is.
delete from idempotency where created_at < clock_timestamp() - make_interval(hours => $1);
