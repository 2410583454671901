-- A resident complained when rating an order. Nothing follows from it until a person records it as a complaint.
create table proposed_complaints (
    proposal_id  uuid primary key,
    activity_id  uuid not null,
    site_id      uuid not null,
    stars        smallint not null check (stars between 1 and 5),
    proposed_at  timestamptz not null,
    state        text not null default 'open' check (state in ('open', 'recorded', 'dismissed')),
    complaint_id uuid references complaints,
    decided_by   uuid,
    decided_at   timestamptz,
    constraint proposed_complaints_decided check ((state = 'open') = (decided_by is null and decided_at is null)),
    constraint proposed_complaints_recorded check ((state = 'recorded') = (complaint_id is not null))
);
create index proposed_complaints_open on proposed_complaints (proposal_id) where state = 'open';
revoke delete on proposed_complaints from :app_role;
