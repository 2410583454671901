-- Second factors of staff (RFC 6238). The secret is sealed under a key of its own; recovery codes are hashes of 80 random bits.
create table staff_second_factors (
    staff_id     uuid primary key references staff,
    wrapped_key  bytea not null,
    sealed       bytea not null,
    created_at   timestamptz not null,
    -- Null until a first code proved that the holder's device has the secret.
    confirmed_at timestamptz,
    -- The last time step whose code was used: no code is good twice.
    last_step    bigint not null default 0
);
create table staff_recovery_codes (
    staff_id  uuid not null references staff_second_factors on delete cascade,
    code_hash bytea not null,
    used_at   timestamptz,
    primary key (staff_id, code_hash)
);
-- A sign-in whose password was right and whose second factor is awaited.
create table sign_in_steps (
    step_id    uuid primary key,
    staff_id   uuid not null references staff,
    binding    bytea,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    attempts   smallint not null default 0,
    used_at    timestamptz
);
create index sign_in_steps_expiry on sign_in_steps (expires_at);

revoke all on staff_second_factors, staff_recovery_codes, sign_in_steps from auditor;
