-- name: insert_dead_letters
-- The same record read again counts on its row; one that was replayed is open again, with its new reason. What was
-- inserted now is known by its row's system column: an updated row has a locker.
insert into dead_letters (
    consumer_group, topic, partition, offset_, key, headers, value, fingerprint, kind, reason, attempts, traceparent,
    last_offset, seen
)
select $1, topic, partition, offset_, key, headers::jsonb, value, fingerprint, kind, reason, attempts, traceparent,
    last_offset, seen
from unnest(
    $2::text[], $3::int[], $4::bigint[], $5::bytea[], $6::text[], $7::bytea[], $8::bytea[], $9::text[], $10::text[],
    $11::int[], $12::text[], $13::bigint[], $14::int[]
) as batch (topic, partition, offset_, key, headers, value, fingerprint, kind, reason, attempts, traceparent,
    last_offset, seen)
on conflict (consumer_group, topic, fingerprint) do update set
    seen = dead_letters.seen + excluded.seen,
    last_seen_at = clock_timestamp(),
    key = coalesce(dead_letters.key, excluded.key),
    value = coalesce(dead_letters.value, excluded.value),
    status = case dead_letters.status when 'replayed' then 'open' else dead_letters.status end,
    replay_id = case dead_letters.status when 'replayed' then null else dead_letters.replay_id end,
    kind = case dead_letters.status when 'replayed' then excluded.kind else dead_letters.kind end,
    reason = case dead_letters.status when 'replayed' then excluded.reason else dead_letters.reason end
returning id, fingerprint, xmax = 0 as new;

-- name: list_dead_letters
-- The list, newest first; what a record held stays here.
select id, consumer_group, topic, partition, offset_ as "offset", last_offset, kind, reason, attempts, status,
    first_seen_at, event_id, event_type, group_id, seen, last_seen_at, replay_id, decided_by, decided_at
from dead_letters
where status = $1 and ($2::bigint is null or id < $2)
  and ($4::text is null or consumer_group = $4) and ($5::text is null or event_type = $5)
  and ($6::text is null or group_id = $6) and ($7::text is null or event_id = $7)
order by id desc
limit $3;

-- name: list_groups
-- Records that failed alike, the most first; repeats of one record are folded into it and counted apart.
select group_id, consumer_group, topic, event_type, kind, reason_class, count(*) as records,
    sum(seen)::bigint as seen, count(replay_id) as replaying, min(first_seen_at) as first_seen_at,
    max(last_seen_at) as last_seen_at, max(seen) as most_seen, (array_agg(reason order by id desc))[1] as newest_reason,
    max(id) as newest_id
from dead_letters
where status = $1
group by group_id, consumer_group, topic, event_type, kind, reason_class
order by records desc, group_id
limit $2;

-- name: find_letter
-- One letter with everything of it.
select id, consumer_group, topic, partition, offset_ as "offset", last_offset, kind, reason, attempts, status,
    first_seen_at, event_id, event_type, group_id, seen, last_seen_at, replay_id, decided_by, decided_at,
    key, headers::text as headers, value, value_sha256, traceparent
from dead_letters where id = $1;

-- name: letters_of_event
-- Where an event is a dead letter.
select id, consumer_group, status, kind, reason_class, first_seen_at from dead_letters where event_id = $1 order by id;

-- name: groups_selected
-- Whose the selected letters are: by ids, or all that fail alike.
select distinct consumer_group from dead_letters where id = any($1::bigint[]) or group_id = $2 limit 2;

-- name: selected
-- Open letters that no replay has claimed, oldest first, a portion at a time; those without bytes cannot be replayed.
select id, headers::text as headers, value, event_id,
    kind <> 'unreadable' and last_offset is null and value_sha256 is null as whole
from dead_letters
where (id = any($1::bigint[]) or group_id = $2) and status = 'open' and replay_id is null and id > $3
order by id limit $4;

-- name: lock_selected
-- In one order; two who decide about the same letters wait for each other, and the second finds them decided.
select id from dead_letters
where (id = any($1::bigint[]) or group_id = $2) and status = $3 and replay_id is null
order by id limit $4 for update;

-- name: claim
-- For one replay; what another claimed or decided meanwhile, and what has no bytes, stays out.
update dead_letters set replay_id = $2
where id = any($1::bigint[]) and status = 'open' and replay_id is null
  and kind <> 'unreadable' and last_offset is null and value_sha256 is null
returning id;

-- name: discard
-- Not wanted; for 30 days it can be taken back.
update dead_letters set status = 'discarded', decided_by = $2, decided_at = clock_timestamp()
where id = any($1::bigint[]) and status = 'open' and replay_id is null
returning id;

-- name: restore
-- Open again, while the bytes are there.
update dead_letters set status = 'open', decided_by = null, decided_at = null
where id = any($1::bigint[]) and status = 'discarded' and value_sha256 is null
  and decided_at > clock_timestamp() - make_interval(days => $2)
returning id;

-- name: restorable
-- How many of these a dry run finds.
select count(*) from dead_letters
where id = any($1::bigint[]) and status = 'discarded' and value_sha256 is null
  and decided_at > clock_timestamp() - make_interval(days => $2);

-- name: reduce_decided
-- Bytes of what was decided long ago become a hash; the attributes stay, so that an audit knows what it was.
update dead_letters set value_sha256 = sha256(coalesce(value, ''::bytea)), value = null, key = null
where id in (
    select id from dead_letters
    where consumer_group = $1 and status <> 'open' and value_sha256 is null
      and decided_at < clock_timestamp() - make_interval(days => $2)
    order by id limit 1000
);

-- name: add_replay
-- The worker finds it.
insert into dead_letter_replays (replay_id, consumer_group, selected, requested_by) values ($1, $2, $3, $4);

-- name: find_replay
-- Progress, as everybody sees it.
select replay_id, consumer_group, state, selected, applied, failed, failed_letter, failure, requested_by, requested_at,
    progressed_at, ended_at
from dead_letter_replays where replay_id = $1;

-- name: list_replays
-- The newest first.
select replay_id, consumer_group, state, selected, applied, failed, failed_letter, failure, requested_by, requested_at,
    progressed_at, ended_at
from dead_letter_replays order by requested_at desc, replay_id limit $1;

-- name: lease_replay
-- The oldest unfinished replay of the group that no living worker has in hand; one at a time.
update dead_letter_replays set state = 'running', holder = $2, lease_until = clock_timestamp() + make_interval(secs => $3)
where replay_id = (
    select replay_id from dead_letter_replays
    where consumer_group = $1 and ended_at is null
      and (holder = $2 or lease_until is null or lease_until < clock_timestamp())
    order by requested_at, replay_id limit 1 for update skip locked
)
returning replay_id, next_batch, requested_by;

-- name: next_letters
-- The next batch of a replay, in the order in which they came.
select id, topic, partition, offset_ as "offset", key, headers::text as headers, value
from dead_letters where replay_id = $1 and status = 'open' order by id limit $2;

-- name: mark_replayed
-- Each once, also where two workers applied it.
update dead_letters set status = 'replayed', decided_by = $3, decided_at = clock_timestamp()
where id = any($1::bigint[]) and replay_id = $2 and status = 'open'
returning id;

-- name: mark_failed
-- It failed again: open, unclaimed, with its new reason.
update dead_letters set attempts = attempts + 1, reason = $3, kind = $4, seen = seen + 1, last_seen_at = clock_timestamp(),
    replay_id = null
where id = $1 and replay_id = $2 and status = 'open'
returning id;

-- name: progress
-- The batch that is done, and how large the next one may be.
update dead_letter_replays set applied = applied + $2, failed = failed + $3, next_batch = $4,
    progressed_at = clock_timestamp(), failed_letter = coalesce($5, failed_letter), failure = coalesce($6, failure)
where replay_id = $1;

-- name: end_replay
-- Done, or stopped by a failure.
update dead_letter_replays set state = $2, ended_at = clock_timestamp(), holder = null, lease_until = null
where replay_id = $1 and ended_at is null;

-- name: release_letters
-- Letters of a stopped replay that were not reached are open for the next one.
update dead_letters set replay_id = null where replay_id = $1 and status = 'open';
