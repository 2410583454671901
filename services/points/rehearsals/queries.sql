-- name: insert_rehearsal
-- Nothing comes back if one of the version is under way already.
insert into rehearsals (rehearsal_id, version, requested_by, requested_at, as_if_from) values ($1, $2, $3, $4, $5)
on conflict (version) where status in ('queued', 'running') do nothing returning rehearsal_id;

-- name: under_way
-- Which one that is.
select rehearsal_id from rehearsals where version = $1 and status in ('queued', 'running');

-- name: find_rehearsal
-- One of them, for reading.
select rehearsal_id, version, status, requested_by, requested_at, attempts, watermark::text as watermark,
       volunteers_total, volunteers_done, records_done, result, problem, started_at, finished_at, forgotten_at, as_if_from,
       coalesce(as_if_from, (select v.effective_from from rule_versions v where v.version = rehearsals.version)) as effective_from
from rehearsals where rehearsal_id = $1;

-- name: list_rehearsals
-- Newest first, by keyset; UUIDv7 orders by creation.
select rehearsal_id, version, status, requested_by, requested_at, attempts, watermark::text as watermark,
       volunteers_total, volunteers_done, records_done, result, problem, started_at, finished_at, forgotten_at, as_if_from,
       coalesce(as_if_from, (select v.effective_from from rule_versions v where v.version = rehearsals.version)) as effective_from
from rehearsals
where ($1::uuid is null or rehearsal_id < $1) and ($2::integer is null or version = $2)
order by rehearsal_id desc limit $3;

-- name: cancel
-- The process that replays it sees that it is no longer running, at the next step.
update rehearsals set status = 'cancelled', finished_at = clock_timestamp()
where rehearsal_id = $1 and status in ('queued', 'running') returning rehearsal_id;

-- name: forget_results
-- What an attempt wrote that failed; in a statement after the row was changed, so that no more can follow.
delete from rehearsal_results where rehearsal_id = $1;

-- name: forget_old
-- The oldest whose volunteers' differences were kept long enough, and that no activation rests on; an activation that
-- is proposed meanwhile waits for the row, and finds it forgotten.
with old as (
    select r.rehearsal_id from rehearsals r
    where r.status = 'done' and r.forgotten_at is null and r.finished_at < clock_timestamp() - $1::interval
      and not exists (select from activations a where a.rehearsal_id = r.rehearsal_id)
    order by r.finished_at limit 1 for update skip locked
)
update rehearsals r set forgotten_at = clock_timestamp() from old where r.rehearsal_id = old.rehearsal_id
returning r.rehearsal_id;

-- name: next_waiting
-- The oldest unfinished one.
select rehearsal_id from rehearsals where status in ('queued', 'running') order by requested_at, rehearsal_id limit 1;

-- name: nobody_replays
-- The lock is held during a replay; here it is taken for the moment of asking.
select pg_try_advisory_xact_lock(hashtext('points/rehearsals'));

-- name: replay_alone
-- One replay at a time; held by the session, so that it ends with its process.
select pg_try_advisory_lock(hashtext('points/rehearsals'));

-- name: replay_no_more
-- Its session goes back to the pool.
select pg_advisory_unlock(hashtext('points/rehearsals'));

-- name: begin_attempt
-- From the start, whatever an attempt before left; the number of the attempt is the right to write.
update rehearsals set status = 'running', attempts = attempts + 1, started_at = clock_timestamp(), watermark = null,
       volunteers_total = null, volunteers_done = 0, records_done = 0
where rehearsal_id = $1 and status in ('queued', 'running') and attempts < $2 returning version, attempts, as_if_from;

-- name: give_up
-- It was begun often enough.
update rehearsals set status = 'failed', finished_at = clock_timestamp(),
       problem = format('It was begun %s times and never came to an end%s.', attempts, '; the last said: ' || trouble)
where rehearsal_id = $1 and status in ('queued', 'running') and attempts >= $2 returning rehearsal_id;

-- name: note_beginning
-- The attempt's input: the snapshot, and how many volunteers there are in it.
update rehearsals set watermark = $3::text::pg_snapshot, volunteers_total = $4
where rehearsal_id = $1 and attempts = $2 and status = 'running' returning rehearsal_id;

-- name: note_progress
-- How far it is; no row is returned if it was cancelled or begun again.
update rehearsals set volunteers_done = $3, records_done = $4
where rehearsal_id = $1 and attempts = $2 and status = 'running' returning rehearsal_id;

-- name: finish
-- Done: the totals.
update rehearsals set status = 'done', result = $3::jsonb, volunteers_done = volunteers_total, records_done = $4,
       finished_at = clock_timestamp()
where rehearsal_id = $1 and attempts = $2 and status = 'running' returning rehearsal_id;

-- name: fail
-- It cannot be done.
update rehearsals set status = 'failed', problem = $3, finished_at = clock_timestamp()
where rehearsal_id = $1 and attempts = $2 and status = 'running' returning rehearsal_id;

-- name: give_back
-- The process was asked to end: another goes on with it, and this attempt does not count.
update rehearsals set status = 'queued', attempts = attempts - 1
where rehearsal_id = $1 and attempts = $2 and status = 'running';

-- name: note_trouble
-- Why the attempt ended, in case that it was the last.
update rehearsals set trouble = $3 where rehearsal_id = $1 and attempts = $2 and status = 'running';

-- name: insert_budget
-- The budget, once everything is known.
insert into rehearsal_budget (rehearsal_id, site_id, month, before, after)
select $1, site_id, month, before, after
from unnest($2::uuid[], $3::date[], $4::bigint[], $5::bigint[]) as batch (site_id, month, before, after);

-- name: may_write
-- The row stays as it is until the portion is committed: who cancels it, or begins it again, waits and then deletes it.
select rehearsal_id from rehearsals where rehearsal_id = $1 and attempts = $2 and status = 'running' for share;

-- name: wait_for_work
-- A transaction that keeps the snapshot may have nothing to do for a while.
set local idle_in_transaction_session_timeout = 0;

-- name: share_snapshot
-- The snapshot by which the result is separated from what came later, and the statement by which others get the same.
select pg_current_snapshot()::text as watermark,
       format('set transaction snapshot %L', pg_export_snapshot()) as statement;

-- name: portions
-- Where each portion of volunteers begins: about $1 records each, by the figures kept of confirmed ones.
with weighed as (
    select volunteer_id, row_number() over lowest_first as place,
           sum(1 + credit_records + honour_records + imported_records) over lowest_first / $1 as portion
    from volunteers window lowest_first as (order by volunteer_id)
)
select distinct on (portion) volunteer_id, place - 1 as volunteers_before from weighed order by portion, volunteer_id;

-- name: volunteers_counted
-- Whose service is replayed.
select count(*) from volunteers;

-- name: facts
-- All records of the volunteers from $1 to $2, each as a rule reads it: after the volunteer and the site, the columns are
-- the members of Facts but for the flags, in their order. $3: do the rules heed complaints?
select r.volunteer_id, r.site_id, r.record_id, r.revision, r.day, r.status, r.provenance, r.started_at, r.minutes,
       r.planned_minutes, r.kind, r.theme, r.activity_id, r.approval_level,
       $3::boolean and (
           r.record_id in (select c.record_id from complaints c where c.withdrawn_at is null and c.record_id is not null)
           or coalesce(r.activity_id in (
               select c.activity_id from complaints c where c.withdrawn_at is null and c.activity_id is not null), false)
       ) as complained
from records r where r.volunteer_id between $1 and $2 order by r.volunteer_id, r.day;

-- name: flags
-- Records about which cases of integrity stand; few have any.
select record_id, array_agg(distinct kind) as kinds from record_flags
where standing and volunteer_id between $1 and $2 group by record_id;

-- name: referrals
-- Referrals that stand, by who earned the bonus.
select referrer_id as volunteer_id, referred_id, day from referrals
where withdrawn_at is null and referrer_id between $1 and $2;

-- name: posted
-- What the ledger has posted for the buckets that rules decide about, per volunteer: awards less reversals.
select volunteer_id, sum(case code when 'award' then amount else -amount end)::bigint as points
from transfers
where volunteer_id between $1 and $2 and code in ('award', 'reversal') and bucket not like 'life/adjustment/%'
group by volunteer_id;

-- name: stands
-- Under which version each of one volunteer's buckets stands.
select bucket, rule_version from buckets where volunteer_id = $1;

-- name: results_by_difference
-- Losers first, by keyset on (difference, volunteer); the first page begins below everybody.
select volunteer_id, records, before, after from rehearsal_results
where rehearsal_id = $1 and ((after - before), volunteer_id) > ($2::bigint, $3::uuid)
order by (after - before), volunteer_id limit $4;

-- name: results_by_difference_down
-- Winners first; the first page begins above everybody.
select volunteer_id, records, before, after from rehearsal_results
where rehearsal_id = $1 and ((after - before), volunteer_id) < ($2::bigint, $3::uuid)
order by (after - before) desc, volunteer_id desc limit $4;

-- name: results_by_volunteer
-- Everybody, in portions, for the download.
select volunteer_id, records, before, after from rehearsal_results
where rehearsal_id = $1 and volunteer_id > $2 order by volunteer_id limit $3;

-- name: budget
-- By site and month; records without a site last.
select site_id, month, before, after from rehearsal_budget
where rehearsal_id = $1
  and ($2::date is null or month > $2 or (month = $2 and coalesce(site_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff') > $3::uuid))
order by month, coalesce(site_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff') limit $4;
