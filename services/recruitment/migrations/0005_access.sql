-- One-time codes, sessions and staff. All times here are real time: leases do not follow the driven clock.
create table one_time_codes (
    code_id       uuid primary key,
    phone_lookup  bytea not null,
    -- Keyed hash: six digits would fall to a plain one at once.
    code_hash     bytea not null,
    issued_at     timestamptz not null,
    expires_at    timestamptz not null,
    attempts      smallint not null default 0,
    used_at       timestamptz,
    superseded    boolean not null default false
);
create index one_time_codes_phone on one_time_codes (phone_lookup, issued_at desc);
create index one_time_codes_issued on one_time_codes (issued_at);

create table staff (
    staff_id       uuid primary key,
    username       text not null unique check (username ~ '^[a-z0-9][a-z0-9._-]{2,49}$'),
    person_id      uuid not null unique references vault_people,
    password_hash  text not null,
    role           text not null check (role in ('station', 'operator', 'engineer')),
    site_id        uuid references sites,
    active         boolean not null default true,
    attempts       smallint not null default 0,
    attempted_at   timestamptz,
    created_at     timestamptz not null,
    check (role <> 'station' or site_id is not null)
);

-- One login; its refresh tokens form a chain of which only the last is good.
create table sessions (
    session_id   uuid primary key,
    person_id    uuid not null references vault_people,
    staff_id     uuid references staff,
    created_at   timestamptz not null,
    expires_at   timestamptz not null,
    revoked_at   timestamptz,
    revoked_why  text
);
create index sessions_expiry on sessions (expires_at);

create table refresh_tokens (
    token_hash  bytea primary key,
    session_id  uuid not null references sessions on delete cascade,
    issued_at   timestamptz not null,
    used_at     timestamptz
);
create index refresh_tokens_session on refresh_tokens (session_id);

revoke all on one_time_codes, staff, sessions, refresh_tokens from auditor;
