-- A volunteer's card: a QR code that names its holder to those who call the roll, and says nothing by itself. It is a name
-- and no proof, like the number printed beside it, so it is kept as it is printed.

create table cards (
    card_id       uuid primary key,
    volunteer_id  uuid not null references volunteers,
    code          text not null unique check (code ~ '^WGC[A-Z2-7]{24}$'),
    issued_at     timestamptz not null,
    issued_by     uuid not null,
    revoked_at    timestamptz
);
-- One card at a time: a new one ends the old.
create unique index cards_current on cards (volunteer_id) where revoked_at is null;

revoke select on cards from auditor;
