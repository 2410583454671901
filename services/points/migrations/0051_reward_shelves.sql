-- Rewards: a limit per person, a time-out per site, counts of stock, photos, reminders; and who agreed to be shown.

alter table reward add column per_person_limit integer check (per_person_limit > 0);

-- How long a hold waits at one site, where that differs from the reward's own.
create table reward_hold_days (
    reward_id  uuid        not null references reward,
    site_id    uuid        not null,
    hold_days  integer     not null check (hold_days between 1 and 365),
    changed_at timestamptz not null,
    changed_by uuid        not null,
    primary key (reward_id, site_id)
);

-- Append-only: who counted what lies on a shelf (free and reserved). A difference is a receipt of its own, so that stock
-- stays the sum of the receipts.
create table reward_count (
    count_id   uuid        primary key,
    reward_id  uuid        not null,
    site_id    uuid        not null,
    counted    bigint      not null check (counted >= 0),
    expected   bigint      not null check (expected >= 0),
    reason     text        not null check (length(reason) > 0),
    receipt_id uuid        references reward_receipt,
    counted_at timestamptz not null,
    counted_by uuid        not null,
    foreign key (reward_id, site_id) references reward_stock,
    check ((receipt_id is null) = (counted = expected))
);
create index reward_count_stock on reward_count (reward_id, site_id, count_id desc);
revoke update, delete on reward_count from :app_role;

create table reward_photo (
    reward_id    uuid        primary key references reward,
    content_type text        not null check (content_type in ('image/png', 'image/jpeg', 'image/webp')),
    content      bytea       not null check (length(content) between 1 and 262144),
    etag         text        not null,
    changed_at   timestamptz not null,
    changed_by   uuid        not null
);

alter table redemption add column reminded_at timestamptz;
create index redemption_unreminded on redemption (expires_at) where status = 'held' and reminded_at is null;

-- Consent of the volunteer to stand on the leaders' board, under their number. Without a row: not shown.
create table visibility (
    volunteer_id     uuid        primary key,
    volunteer_number text        not null check (length(volunteer_number) between 1 and 64),
    shown            boolean     not null,
    changed_at       timestamptz not null
);
