-- Audits of the ledger that engineers asked for: one at a time, claimed by a worker, with progress and report.
create table audit_runs (
    run_id uuid primary key,
    requested_by uuid not null,
    requested_at timestamptz not null default clock_timestamp(),
    reason text not null,
    state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed')),
    attempts integer not null default 0,
    checks_total integer not null,
    checks_done integer not null default 0,
    violations bigint not null default 0,
    report jsonb not null default '[]',
    problem text,
    started_at timestamptz,
    claimed_until timestamptz,
    finished_at timestamptz
);
create unique index audit_runs_one_at_a_time on audit_runs ((true)) where state in ('waiting', 'running');
create index audit_runs_by_time on audit_runs (requested_at desc, run_id desc);

-- The reasons are words of people, and who proves sums proves none by these rows.
revoke select on audit_runs from auditor;
