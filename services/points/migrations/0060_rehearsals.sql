-- A draft rule replayed over all history: what it would change, for whom, and what it saw.

-- Which transaction brought a record to its present revision, so that "was it there at that snapshot?" has an exact answer.
alter table records add column recorded_in xid8 not null default pg_current_xact_id();

-- watermark: the snapshot that the replay read; a record is in it iff pg_visible_in_snapshot(recorded_in, watermark).
-- Counts of progress are of volunteers and records; started_at and finished_at are real time, requested_at business time.
create table rehearsals (
    rehearsal_id     uuid        primary key,
    version          integer     not null references rule_versions,
    status           text        not null default 'queued'
                                 check (status in ('queued', 'running', 'done', 'failed', 'cancelled')),
    requested_by     uuid        not null,
    requested_at     timestamptz not null,
    attempts         integer     not null default 0,
    watermark        pg_snapshot,
    volunteers_total bigint,
    volunteers_done  bigint      not null default 0,
    records_done     bigint      not null default 0,
    result           jsonb,                                                  -- totals, once done
    problem          text,                                                   -- why it failed
    started_at       timestamptz,
    finished_at      timestamptz,
    check ((status = 'done') = (result is not null)),
    check ((status = 'failed') = (problem is not null))
);
create index rehearsals_waiting on rehearsals (requested_at) where status in ('queued', 'running');

-- Per volunteer whose records the rehearsed rule looks at: the points of all their buckets that records feed, the first
-- service included, under the rules in force ("before") and with the draft among them ("after").
create table rehearsal_results (
    rehearsal_id uuid    not null references rehearsals on delete cascade,
    volunteer_id uuid    not null,
    records      integer not null,
    before       bigint  not null,
    after        bigint  not null,
    primary key (rehearsal_id, volunteer_id)
);

-- The same by the site and the month of the records; site_id is null where a record names none.
create table rehearsal_budget (
    rehearsal_id uuid   not null references rehearsals on delete cascade,
    site_id      uuid,
    month        date   not null,                                            -- its first day
    before       bigint not null,
    after        bigint not null,
    unique nulls not distinct (rehearsal_id, site_id, month)
);
