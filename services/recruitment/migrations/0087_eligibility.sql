-- What volunteers need to know of an activity before they sign up, and what it asks of them.
create table activity_details (
    activity_id      uuid primary key references activities,
    version          integer not null default 1,
    map_link         text check (length(map_link) between 1 and 500),
    contact          text check (length(contact) between 1 and 200),
    bring            text check (length(bring) between 1 and 500),
    risks            text check (length(risks) between 1 and 1000),
    -- A training: who has a confirmed record of the activity has completed it.
    training         text check (training ~ '^[a-z0-9-]{1,40}$'),
    min_age          smallint check (min_age between 0 and 120),
    max_age          smallint check (max_age between 0 and 120),
    needs_training   text check (needs_training ~ '^[a-z0-9-]{1,40}$'),
    needs_skill      text check (needs_skill ~ '^[a-z0-9-]{1,40}$'),
    needs_insurance  boolean not null default false,
    team_only        boolean not null default false,
    changed_by       uuid not null,
    changed_at       timestamptz not null,
    check (min_age is null or max_age is null or min_age <= max_age)
);
create index activity_details_training on activity_details (training) where training is not null;
revoke delete on activity_details from :app_role;

-- Facts about a volunteer that staff vouch for. A fact is revoked, never deleted.
create table volunteer_facts (
    fact_id       uuid primary key,
    volunteer_id  uuid not null references volunteers,
    kind          text not null check (kind in ('skill', 'training', 'insurance')),
    code          text not null check (code ~ '^[a-z0-9-]{1,40}$'),
    valid_until   date,
    said_by       uuid not null,
    said_at       timestamptz not null,
    revoked_by    uuid,
    revoked_at    timestamptz,
    check ((revoked_by is null) = (revoked_at is null)),
    check (kind <> 'insurance' or valid_until is not null)
);
create index volunteer_facts_volunteer on volunteer_facts (volunteer_id, fact_id);
revoke delete on volunteer_facts from :app_role;
