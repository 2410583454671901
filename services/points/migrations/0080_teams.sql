-- Teams: what they served, counted from the same revisions as the volunteers' figures by a consumer of its own, and their
-- badges. Whoever writes here first locks the rows in "teams" (sorted), then those in "team_services" (sorted), each in a
-- statement of its own, and reads in a later one. No volunteer's row is locked, so the ingest never waits for this.

-- Versions of what earns a team a badge.
create table team_criteria_versions (
    version        integer     primary key check (version > 0),
    name           text        not null,
    effective_from date        not null,
    document       jsonb       not null,
    content_hash   bytea       not null,
    created_at     timestamptz not null default now()
);

-- One row per team that a record ever named: the lock of everything of theirs.
-- figures: {"": [credit, honour], "2026": [credit, honour], ...}, services of a lifetime and of each calendar year.
create table teams (
    team_id          uuid        primary key,
    version          bigint      not null default 0,                         -- raised at each change
    figures          jsonb       not null default '{}',
    badges           text[]      not null default '{}',                      -- held now, sorted; the truth is team_badge_awards
    criteria_version integer     not null default 0,                         -- under which "badges" was judged
    opened_at        timestamptz not null,
    updated_at       timestamptz not null
) with (fillfactor = 70);

-- What of each record is counted, and for whom: of every record at the highest revision that this consumer has seen.
-- counted_as is null where nothing counts: provisional, void, imported, or without a team.
create table team_services (
    record_id  uuid    primary key,
    revision   integer not null check (revision >= 1),
    team_id    uuid,
    day        date    not null,
    counted_as text    check (counted_as in ('credit', 'honour')),
    check (counted_as is null or team_id is not null)
) with (fillfactor = 80);

-- The services of a team by day, for standings of any period.
create table team_days (
    team_id uuid    not null references teams,
    day     date    not null,
    credit  integer not null default 0 check (credit >= 0),
    honour  integer not null default 0 check (honour >= 0),
    primary key (team_id, day)
) with (fillfactor = 80);
create index team_days_of on team_days (day);

-- Badges of teams, as awarded; one that was revoked and earned again is a new row.
create table team_badge_awards (
    award_id         uuid        primary key,
    team_id          uuid        not null references teams,
    badge            text        not null,
    name             text        not null,
    criteria_version integer     not null,
    reason           jsonb       not null,
    awarded_at       timestamptz not null,
    cause_event_id   uuid        not null,
    correlation_id   text        not null,
    revoked_at       timestamptz,
    revoked_reason   jsonb,
    check ((revoked_at is null) = (revoked_reason is null))
);
create unique index team_badge_held_once on team_badge_awards (team_id, badge) where revoked_at is null;
create index team_badge_awards_of on team_badge_awards (team_id, awarded_at);
