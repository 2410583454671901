-- name: add_act
-- Who did what, when, from where, for real or not, why, and what came of it.
insert into operator_acts (
    act_id, actor, actor_name, role, address, act, dry_run, consumer_group, target, reason, result
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10, $11::jsonb);

-- name: list_acts
-- The trail, newest first.
select act_id, at, actor, actor_name, role, address, act, dry_run, consumer_group, target::text as target, reason,
    result::text as result
from operator_acts
where ($1::text is null or act = $1) and ($2::uuid is null or actor = $2)
  and ($3::timestamptz is null or (at, act_id) < ($3, $4::uuid))
order by at desc, act_id desc limit $5;

-- name: pauses
-- Pauses that have not lapsed.
select consumer_group, paused_by, paused_at, paused_until from consumer_pauses where paused_until > clock_timestamp();

-- name: pause
-- From now on for so many hours; asked again it begins again.
insert into consumer_pauses (consumer_group, paused_by, paused_until)
values ($1, $2, clock_timestamp() + make_interval(hours => $3))
on conflict (consumer_group) do update set paused_by = excluded.paused_by, paused_at = clock_timestamp(),
    paused_until = excluded.paused_until
returning paused_until;

-- name: resume
-- True if there was a pause.
delete from consumer_pauses where consumer_group = $1 and paused_until > clock_timestamp() returning true;

-- name: pause_seconds
-- How long the group is still paused, for its consumers.
select extract(epoch from paused_until - clock_timestamp())::float8 from consumer_pauses
where consumer_group = $1 and paused_until > clock_timestamp();

-- name: report
-- What a process of the group says about itself.
insert into consumer_members (consumer_group, member, seen_at, last_progress_at, paused, partitions)
values ($1, $2, clock_timestamp(), to_timestamp($3), $4, $5::jsonb)
on conflict (consumer_group, member) do update set seen_at = excluded.seen_at,
    last_progress_at = excluded.last_progress_at, paused = excluded.paused, partitions = excluded.partitions;

-- name: forget_members
-- Processes that ended long ago; until then their last positions are shown.
delete from consumer_members where consumer_group = $1 and seen_at < clock_timestamp() - interval '1 day' and member <> $2;

-- name: members
-- What the processes of all groups last said, those that said so last first.
select consumer_group, member, started_at, seen_at, last_progress_at, paused, partitions::text as partitions,
    seen_at > clock_timestamp() - make_interval(secs => $1) as live
from consumer_members order by seen_at desc;

-- name: add_resets
-- The owners of the partitions find them.
insert into consumer_resets (reset_id, consumer_group, topic, partition, from_offset, to_offset)
select $1, $2, topic, partition, from_offset, to_offset
from unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[]) as batch (topic, partition, from_offset, to_offset);

-- name: open_resets
-- Resets of the group that wait; those that no consumer applied within hours have lapsed.
select topic, partition, min(to_offset) as to_offset from consumer_resets
where consumer_group = $1 and applied_at is null and requested_at > clock_timestamp() - make_interval(hours => $2)
group by topic, partition;

-- name: resets_waiting
-- How many partitions of each group wait for their reset.
select consumer_group, count(*) as partitions from consumer_resets
where applied_at is null and requested_at > clock_timestamp() - make_interval(hours => $1) group by consumer_group;

-- name: reset_applied
-- Earlier ones of the same partition lead no further back.
update consumer_resets set applied_at = clock_timestamp()
where consumer_group = $1 and topic = $2 and partition = $3 and to_offset >= $4 and applied_at is null;
