-- name: count
-- One more in the window; a window that is over begins anew. One statement, so that tries side by side all count.
insert into limit_counters as counter (kind, key, began_at, hits, last_at) values ($1, $2, $3, 1, $3)
on conflict (kind, key) do update set
    hits = case when counter.began_at + $4::interval <= $3 then 1 else counter.hits + 1 end,
    began_at = case when counter.began_at + $4::interval <= $3 then $3 else counter.began_at end,
    last_at = $3
returning hits, began_at, last_at;

-- name: begin
-- A row to lock, if there is none yet.
insert into limit_counters (kind, key, began_at, hits, last_at) values ($1, $2, $3, 0, $3) on conflict do nothing;

-- name: lock
-- Failures so far; held until the next one is counted or refused.
select hits, began_at, last_at from limit_counters where kind = $1 and key = $2 for update;

-- name: set_hits
-- Failures are counted before what is tried is verified.
update limit_counters set hits = $3, last_at = $4 where kind = $1 and key = $2;

-- name: forget
-- A success ends the failures.
delete from limit_counters where kind = $1 and key = $2;

-- name: take_back
-- What was counted beforehand turned out to be none.
update limit_counters set hits = greatest(hits - 1, 0) where kind = $1 and key = $2;

-- name: unflushed
-- Of this transaction only: its commit does not wait for the flush of the log.
set local synchronous_commit to off;

-- name: purge
-- By-products: gone when no window can reach so far back.
delete from limit_counters where last_at < $1;
