-- Records that a confirmed case proposed to void, and what another site decided; each once for a case.
create table case_proposals (
    case_id     uuid        not null references cases,
    record_id   uuid        not null,
    outcome     text        check (outcome in ('voided', 'kept', 'lapsed')),  -- null while it waits
    decided_by  uuid,
    site_id     uuid,                                                         -- the site of who decided
    decided_at  timestamptz,
    primary key (case_id, record_id),
    check ((outcome is null) = (decided_at is null))
);

-- What a person decided about flags of records that were not voided.
create table case_flag_decisions (
    case_id    uuid        not null,
    record_id  uuid        not null,
    decision   text        not null check (decision in ('kept', 'cleared')),
    decided_by uuid        not null,
    decided_at timestamptz not null,
    reason     text        not null,
    primary key (case_id, record_id),
    foreign key (case_id, record_id) references case_proposals
);
grant select on case_proposals, case_flag_decisions to auditor;
revoke delete on case_proposals from :app_role;
revoke update, delete on case_flag_decisions from :app_role;
