-- name: beat
-- The process still runs; its first beat says since when.
insert into process_lives (start_id, role, started_at, seen_at)
values ($1, $2, clock_timestamp(), clock_timestamp())
on conflict (start_id) do update set seen_at = excluded.seen_at;

-- name: end
-- An orderly end is no crash.
delete from process_lives where start_id = $1;

-- name: forget_lives
-- Crashes of more than a day ago trip no monitor.
delete from process_lives where seen_at < clock_timestamp() - interval '1 day';

-- name: lives
-- Processes that run or crashed lately, the newest first; a crash loop beyond the limit is one as well.
select start_id, role, started_at, seen_at from process_lives
where seen_at > clock_timestamp() - make_interval(secs => $1) order by started_at desc limit $2;
