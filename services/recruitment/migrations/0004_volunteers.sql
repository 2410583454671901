-- A volunteer is a number here; who it is lies in the vault behind person_id.
create sequence volunteer_numbers as bigint;

-- One approval covers one file of the registry of record, however many batches carry it.
create table import_files (
    registry           text not null,
    file_reference     text not null,
    approval_reference text not null,
    approved_by        uuid not null,
    first_imported_at  timestamptz not null,
    primary key (registry, file_reference)
);

create table import_batches (
    batch_id        uuid primary key,
    registry        text not null,
    file_reference  text not null,
    imported_by     uuid not null,
    imported_at     timestamptz not null,
    imported        integer not null check (imported >= 0),
    known           integer not null check (known >= 0),
    refused         integer not null check (refused >= 0),
    foreign key (registry, file_reference) references import_files
);

create table volunteers (
    volunteer_id      uuid primary key,
    person_id         uuid not null unique references vault_people,
    volunteer_number  text not null unique,
    registry          text,
    registry_number   text,
    batch_id          uuid references import_batches,
    source            text not null check (source in ('drive', 'appeal', 'walk_in', 'import')),
    drive_id          uuid references drives,
    appeal_id         uuid references appeals,
    site_id           uuid references sites,
    registered_at     timestamptz not null,
    prior_minutes     integer not null default 0 check (prior_minutes >= 0),
    consented_at      timestamptz,
    guardian_consent  boolean not null default false,
    -- Imported volunteers are claimed by a code to the phone on file; the others are from the start.
    claimed_at        timestamptz,
    version           integer not null default 1,
    unique (registry, registry_number),
    check ((registry is null) = (registry_number is null)),
    check ((source = 'import') = (registry_number is not null)),
    check ((source = 'drive') = (drive_id is not null)),
    check ((source = 'appeal') = (appeal_id is not null)),
    check (claimed_at is null or consented_at is not null)
);
create index volunteers_drive on volunteers (drive_id) where drive_id is not null;
create index volunteers_appeal on volunteers (appeal_id) where appeal_id is not null;
create index volunteers_site on volunteers (site_id, volunteer_id);
create index volunteers_registered on volunteers (registered_at);

alter table teams add constraint teams_leader_is_volunteer
    foreign key (leader_volunteer_id) references volunteers;
