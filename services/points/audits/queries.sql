-- name: insert
-- Nothing where another run waits or goes on: the unique index decides between two requests.
insert into audit_runs (run_id, requested_by, reason, checks_total) values ($1, $2, $3, $4)
on conflict do nothing returning run_id;

-- name: find
-- One run.
select run_id, requested_by, requested_at, reason, state, attempts, checks_total, checks_done, violations,
    report::text as report, problem, started_at, finished_at
from audit_runs where run_id = $1;

-- name: list
-- Runs, newest first.
select run_id, requested_by, requested_at, reason, state, attempts, checks_total, checks_done, violations,
    report::text as report, problem, started_at, finished_at
from audit_runs
where $1::timestamptz is null or (requested_at, run_id) < ($1, $2::uuid)
order by requested_at desc, run_id desc limit $3;

-- name: claim
-- The run that waits, or whose worker has said nothing for its lease; it begins anew, over a new snapshot.
update audit_runs set state = 'running', attempts = attempts + 1, started_at = clock_timestamp(), checks_done = 0,
    violations = 0, report = '[]', claimed_until = clock_timestamp() + make_interval(secs => $1)
where run_id = (
    select run_id from audit_runs
    where state = 'waiting' or (state = 'running' and claimed_until < clock_timestamp())
    limit 1 for update skip locked
)
returning run_id, attempts;

-- name: extend
-- The worker is alive; nothing where another attempt has the run.
update audit_runs set claimed_until = clock_timestamp() + make_interval(secs => $3)
where run_id = $1 and attempts = $2 and state = 'running' returning run_id;

-- name: progress
-- The checks that are done so far; nothing where another attempt has the run.
update audit_runs set checks_done = $3, violations = $4, report = $5::jsonb
where run_id = $1 and attempts = $2 and state = 'running' returning run_id;

-- name: finish
-- The end of a run, with the reason where it failed.
update audit_runs set state = $3, problem = $4, finished_at = clock_timestamp(), claimed_until = null
where run_id = $1 and attempts = $2 and state = 'running' returning run_id;
