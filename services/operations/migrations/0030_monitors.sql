-- Thresholds are data: a row per version, never edited. A reading at "trip" or more for "hold_seconds" raises an alert, one
-- below "clear" for "calm_seconds" clears it.
create table monitor_thresholds (
    monitor      text not null,
    version      integer not null check (version > 0),
    trip         integer not null check (trip > 0),
    clear        integer not null check (clear > 0 and clear <= trip),
    hold_seconds integer not null check (hold_seconds >= 0),
    calm_seconds integer not null check (calm_seconds >= 0),
    made_by      uuid,
    made_by_name text,
    reason       text,
    made_at      timestamptz not null default clock_timestamp(),
    primary key (monitor, version)
);
revoke update, delete, truncate on monitor_thresholds from :app_role;
insert into monitor_thresholds (monitor, version, trip, clear, hold_seconds, calm_seconds) values
    ('silence', 1, 30, 30, 120, 120),
    ('dead-letters', 1, 10, 1, 0, 300),
    ('corrections', 1, 20, 10, 0, 600),
    ('lag', 1, 1000, 100, 60, 60),
    ('standstill', 1, 120, 30, 0, 60),
    ('outbox-age', 1, 60, 10, 30, 60),
    ('restarts', 1, 3, 1, 0, 600);

-- The last beat of each service.
create table service_beats (
    service text primary key,
    at      timestamptz not null,
    beat    jsonb not null
);

-- How far a group has come in a topic; "lag_before" is of a minute or more ago.
create table group_progress (
    consumer_group text not null,
    topic          text not null,
    position       bigint not null,
    lag            bigint not null,
    moved_at       timestamptz not null,
    lag_before     bigint not null,
    before_at      timestamptz not null,
    primary key (consumer_group, topic)
);

-- Shifts for which volunteers signed up, learned from the index up to the row "signups_seen".
create table expected_shifts (
    shift_id  uuid primary key,
    site_id   uuid not null,
    starts_at timestamptz not null,
    ends_at   timestamptz not null,
    places    integer not null
);
create index expected_shifts_by_end on expected_shifts (ends_at);
create table monitor_cursor (
    single       boolean primary key default true check (single),
    signups_seen bigint not null
);
insert into monitor_cursor (signups_seen) values (0);

-- What each monitor last read of each subject. "version" counts raises and clears and never goes back.
create table monitor_states (
    monitor     text not null,
    subject     text not null,
    site_id     uuid,
    reading     integer not null,
    paused      boolean not null,
    over_since  timestamptz,
    under_since timestamptz,
    alert_id    uuid,
    version     bigint not null,
    judged_at   timestamptz not null,
    primary key (monitor, subject)
);

create table alerts (
    alert_id          uuid primary key,
    monitor           text not null,
    subject           text not null,
    site_id           uuid,
    reading           integer not null,
    worst             integer not null,
    threshold         integer not null,
    threshold_version integer not null,
    raised_at         timestamptz not null,
    cleared_at        timestamptz,
    cleared_reading   integer
);
create unique index alerts_open on alerts (monitor, subject) where cleared_at is null;
create index alerts_by_time on alerts ((cleared_at is null), raised_at, alert_id);
