-- Working days are Monday to Friday, except for these.
create table working_days (
    day      date primary key,
    works    boolean not null,
    noted_by uuid not null,
    noted_at timestamptz not null
);
revoke delete on working_days from :app_role;

-- What a need tag means as an order: all open tags can be ordered unless their row says otherwise.
create table order_needs (
    tag_id     uuid primary key references need_tags,
    what       text check (length(what) between 1 and 200),
    minutes    integer not null check (minutes between 15 and 480),
    people     integer not null check (people between 1 and 50),
    orderable  boolean not null,
    theme_id   uuid references themes,
    version    integer not null default 1,
    changed_by uuid not null,
    changed_at timestamptz not null
);
revoke delete on order_needs from :app_role;

-- Residents' orders. Nothing here says who needs what where: that lies in order_texts under keys of its own.
-- Lock order: an order comes before volunteers, shifts and activities.
create sequence order_numbers as bigint;
create table orders (
    order_id          uuid primary key,
    number            text not null unique,
    state             text not null check (state in (
        'placed', 'under_review', 'needs_information', 'offered', 'dispatched', 'accepted', 'scheduled', 'served',
        'rated', 'refused', 'closed', 'unfulfilled', 'cancelled')),
    desk              text not null check (desk in ('station', 'institute', 'centre')),
    desks             text[] not null check (desk = any(desks)),
    need_tag_id       uuid not null references need_tags,
    site_id           uuid not null references sites,
    resident_id       uuid not null,
    beneficiary_id    uuid,
    taken_by          text not null check (taken_by in ('page', 'phone', 'counter', 'visit')),
    minutes           integer not null check (minutes between 15 and 480),
    people            integer not null check (people between 1 and 50),
    frail             boolean not null,
    wished_from       timestamptz not null,
    wished_to         timestamptz not null check (wished_to > wished_from),
    placed_at         timestamptz not null,
    since             timestamptz not null,
    due_at            timestamptz,
    -- When the timer acts on it; null where nothing happens by itself.
    next_at           timestamptz,
    team_id           uuid references teams,
    activity_id       uuid references activities,
    shift_id          uuid references shifts,
    starts_at         timestamptz,
    ends_at           timestamptz,
    declines          smallint not null default 0,
    reopened          boolean not null default false,
    escalations       smallint not null default 0,
    stars             smallint check (stars between 1 and 5),
    rated_by_default  boolean not null default false,
    complaint         boolean not null default false,
    residents_served  integer check (residents_served >= 0),
    reason            text check (reason ~ '^[a-z-]{3,30}$'),
    series_id         uuid references orders,
    series_every      text check (series_every in ('week', 'month')),
    series_times      smallint check (series_times between 2 and 12),
    door_salt         bytea,
    door_uses         smallint not null default 0,
    version           integer not null default 1,
    constraint orders_series check ((series_every is null) = (series_times is null)),
    constraint orders_of_a_team check (state not in ('dispatched', 'accepted', 'scheduled', 'served') or team_id is not null),
    constraint orders_planned check (state <> 'scheduled' or (shift_id is not null and ends_at is not null)),
    constraint orders_ended check (
        (state in ('rated', 'refused', 'closed', 'unfulfilled', 'cancelled')) = (due_at is null))
);
create index orders_open on orders (due_at, order_id) where due_at is not null;
create index orders_open_site on orders (site_id, due_at, order_id) where due_at is not null;
create index orders_next on orders (next_at) where next_at is not null;
create index orders_ended on orders (since desc, order_id desc) where due_at is null;
create index orders_resident on orders (resident_id, order_id);
create index orders_beneficiary on orders (beneficiary_id, order_id) where beneficiary_id is not null;
create index orders_team on orders (team_id, since) where team_id is not null;
create index orders_offered on orders (need_tag_id, due_at) where state = 'offered';
create index orders_shift on orders (shift_id) where shift_id is not null;
create index orders_placed on orders (placed_at, site_id);
revoke delete on orders from :app_role;

-- Each step of an order, once; what the desk, the resident and the report read.
create table order_changes (
    order_id   uuid not null references orders,
    version    integer not null,
    act        text not null,
    state      text not null,
    desk       text not null,
    site_id    uuid not null references sites,
    at         timestamptz not null,
    by_kind    text not null check (by_kind in ('resident', 'staff', 'leader', 'timer')),
    by_id      uuid,
    reason     text,
    team_id    uuid references teams,
    primary key (order_id, version)
);
create index order_changes_at on order_changes (at, state);
revoke update, delete on order_changes from :app_role;

-- Ratings apart from the order, since a reopened one is rated twice, and those by default are reported apart.
create table order_ratings (
    order_id   uuid not null references orders,
    rated_at   timestamptz not null,
    stars      smallint check (stars between 1 and 5),
    by_default boolean not null,
    channel    text check (channel in ('page', 'phone')),
    complaint  boolean not null default false,
    team_id    uuid references teams,
    primary key (order_id, rated_at),
    constraint order_ratings_default check (by_default = (stars is null))
);
create index order_ratings_team on order_ratings (team_id, rated_at);
revoke update, delete on order_ratings from :app_role;

-- What people typed about an order, each text under a key of its own: it is erased by deleting its row.
create table order_texts (
    text_id     uuid primary key,
    order_id    uuid not null references orders,
    owner_id    uuid not null,
    kind        text not null check (kind in ('details', 'review', 'answer', 'completion', 'rating', 'cancel')),
    wrapped_key bytea not null,
    sealed      bytea not null,
    written_at  timestamptz not null
);
create index order_texts_order on order_texts (order_id, text_id);
create index order_texts_owner on order_texts (owner_id);

-- Which team an order had from when until when, with the shift that it planned.
create table order_assignments (
    order_id    uuid not null references orders,
    version     integer not null,
    team_id     uuid not null references teams,
    shift_id    uuid not null references shifts,
    starts_at   timestamptz not null,
    ends_at     timestamptz not null,
    ended_at    timestamptz,
    primary key (order_id, version)
);
create index order_assignments_shift on order_assignments (shift_id);
revoke delete on order_assignments from :app_role;

-- Teams that declined an order; it is not offered to them again.
create table order_declines (
    order_id    uuid not null references orders,
    team_id     uuid not null references teams,
    declined_at timestamptz not null,
    primary key (order_id, team_id)
);

-- Who read an order's details, and when.
create table order_looks (
    look_id     uuid primary key,
    order_id    uuid not null references orders,
    reader_id   uuid not null,
    reader_kind text not null check (reader_kind in ('staff', 'leader', 'volunteer')),
    site_id     uuid references sites,
    team_id     uuid references teams,
    looked_at   timestamptz not null
);
create index order_looks_order on order_looks (order_id, look_id);
revoke update, delete on order_looks from :app_role;
revoke all on order_texts, order_looks from auditor;
