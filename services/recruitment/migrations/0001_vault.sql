-- The vault: the one home of personal data. Everything readable is inside `sealed`, under a key of the person's own.
create table vault_people (
    person_id     uuid primary key,
    -- What a person is called when asking for help; kept apart from volunteer_id so that events do not link the two.
    resident_id   uuid not null unique,
    key_version   smallint not null default 1,
    wrapped_key   bytea not null,
    sealed        bytea not null,
    -- Keyed hashes of the normalised phone and ID number: equality without a readable copy.
    phone_lookup  bytea unique,
    id_lookup     bytea unique,
    created_at    timestamptz not null,
    updated_at    timestamptz not null
);

-- Who read whose data unmasked, when and what for. Append only for the application.
create table vault_reads (
    read_id    uuid primary key,
    person_id  uuid not null references vault_people,
    reader     uuid not null,
    reader_role text not null,
    fields     text[] not null,
    purpose    text not null check (length(purpose) between 1 and 500),
    read_at    timestamptz not null
);
create index vault_reads_person on vault_reads (person_id, read_at);

-- The auditor proves sums; whom they concern is none of its business. Reads of the vault cannot be made unread.
revoke all on vault_people, vault_reads from auditor;
revoke update, delete, truncate on vault_reads from :app_role;
