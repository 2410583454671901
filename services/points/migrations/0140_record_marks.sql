-- Which records changed, for what follows the records: written by the ingest in its transaction, one statement for a
-- batch, and deleted in the transaction that followed it up.
create table record_marks (
    mark_id    bigint      generated always as identity primary key,
    record_ids uuid[]      not null,
    entered    boolean     not null default false,                            -- its acts are in integrity_acts, committed
    attempts   integer     not null default 0,
    due_at     timestamptz not null default clock_timestamp()                 -- later than now after an attempt that failed
);

-- When the revision was published. Null in revisions from before: when it came stands for it.
alter table records add column emitted_at timestamptz;

-- Acts of recorders and uses of devices, by where they are counted (kind|class|subject) and when. An act that was entered
-- stays, whatever later revisions say; "at" is in whole seconds.
create table integrity_acts (
    place        text        not null,
    at           timestamptz not null,
    record_id    uuid        not null,
    volunteer_id uuid        not null,
    site_id      uuid
);
create unique index integrity_acts_once on integrity_acts (place, at, record_id, volunteer_id, site_id) nulls not distinct;
create index integrity_acts_by_time on integrity_acts using brin (at);

-- What was ingested until now is followed once more: cases that are there are found again, and change nothing.
insert into record_marks (record_ids)
select array_agg(record_id) from (
    select record_id, (row_number() over (order by day, record_id) - 1) / 500 as portion from records
) found group by portion order by portion;

grant select on record_marks, integrity_acts to auditor;
