-- A file of the registry is proposed by one account and approved by another before any of its rows is imported.
create table import_proposals (
    proposal_id      uuid primary key,
    registry         text not null,
    file_reference   text not null,
    -- SHA-256 over the digests of the batches, in order; hexadecimal.
    digest           text not null check (digest ~ '^[0-9a-f]{64}$'),
    row_count        integer not null check (row_count > 0),
    minutes          bigint not null check (minutes >= 0),
    reason           text not null check (length(reason) between 1 and 500),
    proposed_by      uuid not null references staff,
    proposed_at      timestamptz not null,
    lapses_at        timestamptz not null check (lapses_at > proposed_at),
    state            text not null default 'proposed'
                     check (state in ('proposed', 'approved', 'rejected', 'withdrawn', 'lapsed', 'completed')),
    decided_by       uuid references staff,
    decided_at       timestamptz,
    decision_reason  text check (length(decision_reason) between 1 and 500),
    completed_at     timestamptz,
    constraint import_proposal_decided check ((state in ('proposed', 'lapsed')) = (decided_by is null)),
    constraint import_proposal_decision check ((decided_by is null) = (decided_at is null)),
    constraint import_proposal_second_person check (
        state not in ('approved', 'rejected', 'completed') or decided_by <> proposed_by),
    constraint import_proposal_completed check ((state = 'completed') = (completed_at is not null))
);
-- A file has one proposal that waits or holds; one that was turned down or lapsed may be proposed again.
create unique index import_proposals_one_file on import_proposals (registry, file_reference)
    where state in ('proposed', 'approved', 'completed');
create index import_proposals_due on import_proposals (lapses_at) where state = 'proposed';

create table import_proposal_batches (
    proposal_id  uuid not null references import_proposals,
    position     integer not null check (position >= 1),
    digest       text not null check (digest ~ '^[0-9a-f]{64}$'),
    row_count    integer not null check (row_count > 0),
    minutes      bigint not null check (minutes >= 0),
    -- The import that brought it first; null until then.
    batch_id     uuid references import_batches,
    primary key (proposal_id, position),
    unique (proposal_id, digest)
);

-- Files of before stand under the reference that their importer named; new ones have a proposal.
alter table import_batches drop constraint import_batches_registry_file_reference_fkey;
alter table import_batches add column proposal_id uuid references import_proposals;

revoke delete on import_proposals, import_proposal_batches from :app_role;
revoke select on import_proposals, import_proposal_batches from auditor;
-- No text that a person typed, and no digest, which a short list of people could be compared with.
grant select (proposal_id, row_count, minutes, proposed_by, proposed_at, lapses_at, state, decided_by, decided_at,
              completed_at) on import_proposals to auditor;
grant select (proposal_id, position, row_count, minutes, batch_id) on import_proposal_batches to auditor;
