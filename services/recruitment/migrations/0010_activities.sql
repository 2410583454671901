-- Activities and their shifts. Lock order of everything that writes from here on: devices, volunteers (sorted), shifts
-- (sorted), activities. Whoever closes an activity or changes its shifts locks its shifts first, so that sign-ups wait.

create table activities (
    activity_id       uuid primary key,
    title             text not null check (length(title) between 1 and 200),
    theme_id          uuid not null references themes,
    team_id           uuid not null references teams,
    site_id           uuid not null references sites,
    project_id        uuid references projects,
    kind              text not null check (length(kind) between 1 and 100),
    place             text not null check (length(place) between 1 and 200),
    beneficiaries     text check (length(beneficiaries) between 1 and 500),
    content           text check (length(content) between 1 and 5000),
    person_in_charge  text check (length(person_in_charge) between 1 and 100),
    state             text not null check (state in ('planned', 'open', 'closed')),
    -- The first shift's start; what lists and reports select by. Null while there is no shift.
    starts_at         timestamptz,
    residents_served  integer check (residents_served >= 0),
    note              text check (length(note) between 1 and 2000),
    planned_by        uuid not null,
    planned_at        timestamptz not null,
    opened_at         timestamptz,
    closed_by         uuid,
    closed_at         timestamptz,
    version           integer not null default 1,
    constraint activities_state_told check (
        (state = 'closed') = (closed_at is not null and closed_by is not null and residents_served is not null)
    ),
    constraint activities_open_has_shift check (state = 'planned' or (opened_at is not null and starts_at is not null))
);
create index activities_start on activities (starts_at, activity_id);
create index activities_site on activities (site_id, starts_at);

create table shifts (
    shift_id     uuid primary key,
    activity_id  uuid not null references activities,
    starts_at    timestamptz not null,
    ends_at      timestamptz not null check (ends_at > starts_at),
    capacity     integer not null check (capacity between 1 and 10000),
    -- Active sign-ups. Kept in the row that every sign-up locks anyway; the constraint is what cannot be oversold.
    taken        integer not null default 0,
    -- Key of the rotating codes and tickets; never leaves the service.
    secret       bytea not null check (length(secret) = 32),
    constraint shifts_never_oversold check (taken between 0 and capacity)
) with (fillfactor = 80);
create index shifts_activity on shifts (activity_id, starts_at);
create index shifts_start on shifts (starts_at, shift_id);

revoke delete on activities, shifts from :app_role;
