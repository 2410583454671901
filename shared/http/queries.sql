-- name: lock
-- One worker per key: who comes second learns at once that the first is still at it. Released with the transaction.
select pg_try_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 4711));

-- name: find
-- The answer given before. A statement of its own, after the lock, so that it sees what the first worker committed.
select body_hash, status, content_type, body, replays,
       extract(epoch from clock_timestamp() - created_at)::float8 as age
from idempotency where scope = $1 and key = $2;

-- name: count_replay
-- Every request that meets a stored answer is counted, also one that is refused.
update idempotency set replays = least(replays + 1, 32000) where scope = $1 and key = $2;

-- name: keep
-- Keep the answer in the transaction of the work itself: both happen or neither.
insert into idempotency (scope, key, body_hash, status, content_type, body) values ($1, $2, $3, $4, $5, $6);

-- name: purge
-- Answers hold personal data: they go after a day of real time, whatever business time is.
delete from idempotency where created_at < clock_timestamp() - make_interval(hours => $1);
