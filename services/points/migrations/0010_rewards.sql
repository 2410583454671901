-- Rewards, stock by pickup site, redemptions.
-- Lock order for everything that writes here: volunteer rows (sorted), then reward_stock rows (sorted by reward, site).
-- A redemption belongs to one volunteer, so the volunteer's lock covers it and its pickup row.

create table reward (
    reward_id          uuid primary key,
    name               text not null check (length(name) between 1 and 200),
    description        text not null default '',
    price              integer not null check (price > 0),
    per_quarter_limit  integer check (per_quarter_limit > 0),
    available_from     timestamptz,
    available_until    timestamptz check (available_until > available_from),
    hold_days          integer not null default 30 check (hold_days between 1 and 365),
    created_at         timestamptz not null,
    created_by         uuid not null
);

-- One row per (reward, pickup site). The equation is audit A7 and holds by constraint within the row.
create table reward_stock (
    reward_id    uuid not null references reward,
    site_id      uuid not null,
    received     bigint not null default 0,
    free         bigint not null default 0 check (free >= 0),
    reserved     bigint not null default 0 check (reserved >= 0),
    handed_over  bigint not null default 0 check (handed_over >= 0),
    primary key (reward_id, site_id),
    constraint reward_stock_adds_up check (free + reserved + handed_over = received)
);

-- Append-only: what came in, who counted it. A later stock count may be negative.
create table reward_receipt (
    receipt_id   uuid primary key,
    reward_id    uuid not null,
    site_id      uuid not null,
    quantity     bigint not null check (quantity <> 0),
    note         text not null default '',
    received_at  timestamptz not null,
    received_by  uuid not null,
    foreign key (reward_id, site_id) references reward_stock
);
create index reward_receipt_stock on reward_receipt (reward_id, site_id);

create table redemption (
    redemption_id   uuid primary key,
    reward_id       uuid not null,
    reward_name     text not null,
    volunteer_id    uuid not null,
    site_id         uuid not null,
    points          integer not null check (points > 0),
    status          text not null check (status in ('held', 'captured', 'released', 'refunded')),
    version         integer not null default 1,
    quarter         date not null,
    held_at         timestamptz not null,
    expires_at      timestamptz not null,
    settled_at      timestamptz,
    settled_by      uuid,
    reason          text,
    stock_returned  boolean,
    foreign key (reward_id, site_id) references reward_stock,
    constraint redemption_settled check ((status = 'held') = (settled_at is null)),
    constraint redemption_stock_returned check ((status = 'refunded') = (stock_returned is not null))
);
create index redemption_volunteer on redemption (volunteer_id, redemption_id desc);
create index redemption_site on redemption (site_id, redemption_id desc);
create index redemption_due on redemption (expires_at) where status = 'held';

-- The secret of an open hold. The row goes when the hold ends, so a code is unique among open holds and never outlives one.
create table pickup (
    redemption_id  uuid primary key references redemption,
    code           text not null unique check (length(code) = 8),
    wrong_codes    integer not null default 0,
    locked_until   timestamptz
);

revoke update, delete on reward_receipt from :app_role;
revoke delete on reward, reward_stock, redemption from :app_role;
-- Who audits the sums needs no code with which a parcel can be fetched.
revoke select on pickup from auditor;
