-- The ledger of points: what was reported, what it is worth, and every point that ever moved.
--
-- Every table's key begins with the volunteer wherever it can, so that the schema may be partitioned by volunteer later.
-- Whoever writes a volunteer's state first locks the row in "volunteers" (sorted, in a statement of its own) and reads
-- anything else in a later statement.

-- Versions of the earning rule, of which "effective_from" selects the one in force by the first day of a bucket.
create table rule_versions (
    version        integer     primary key check (version > 0),
    name           text        not null,
    effective_from date        not null,
    document       jsonb       not null,
    content_hash   bytea       not null,
    status         text        not null default 'active' check (status in ('draft', 'active', 'reversed')),
    created_at     timestamptz not null default now()
);

-- Versions of what earns a star or a badge.
create table criteria_versions (
    version        integer     primary key check (version > 0),
    name           text        not null,
    effective_from date        not null,
    document       jsonb       not null,
    content_hash   bytea       not null,
    created_at     timestamptz not null default now()
);

-- One row per volunteer: the lock of everything of theirs, the materialised balances, and the lifetime figures.
-- A6 holds per row; A2 is held by the other constraints. "version" numbers the events about the volunteer.
create table volunteers (
    volunteer_id     uuid        primary key,
    version          bigint      not null default 0,
    available        bigint      not null default 0 check (available >= 0),
    held             bigint      not null default 0 check (held >= 0),
    debt             bigint      not null default 0 check (debt >= 0),
    earned           bigint      not null default 0 check (earned >= 0),     -- awards less reversals
    spent            bigint      not null default 0 check (spent >= 0),      -- captured less refunded
    expired          bigint      not null default 0 check (expired >= 0),
    donated          bigint      not null default 0 check (donated >= 0),
    credit_minutes   bigint      not null default 0,                         -- confirmed: scanned, kiosk, leader
    honour_minutes   bigint      not null default 0,                         -- confirmed: backfilled
    imported_minutes bigint      not null default 0,                         -- confirmed: imported from the registry
    credit_records   integer     not null default 0,                         -- how many records make up the minutes
    honour_records   integer     not null default 0,
    imported_records integer     not null default 0,
    first_started_at timestamptz,                                            -- the earliest record that earned points
    first_record_id  uuid,
    first_day        date,
    badges           text[]      not null default '{}',                      -- held now, sorted; the truth is badge_awards
    criteria_version integer     not null default 0,                         -- under which "badges" was judged
    opened_at        timestamptz not null,
    updated_at       timestamptz not null,
    check (available = 0 or debt = 0),
    check (earned = available + held + spent + expired + donated - debt)
) with (fillfactor = 60);

-- The highest revision of every service record, as attendance reported it.
-- content_hash is the first 16 bytes of the SHA-256 of the message's value, so that an audit can compute it in SQL.
create table records (
    record_id        uuid        primary key,
    revision         integer     not null check (revision > 0),
    content_hash     bytea       not null,
    volunteer_id     uuid        not null,
    day              date        not null,                                   -- of started_at, in the district's zone
    status           text        not null check (status in ('provisional', 'confirmed', 'void')),
    provenance       text        not null check (provenance in ('scanned', 'kiosk', 'leader', 'backfilled', 'imported')),
    kind             text        not null,
    theme            text        not null,
    closed_by        text,
    approval_level   text        not null,
    started_at       timestamptz not null,
    ended_at         timestamptz,
    minutes          integer     not null check (minutes >= 0),
    planned_minutes  integer     not null check (planned_minutes >= 0),
    activity_id      uuid,
    shift_id         uuid,
    site_id          uuid,
    team_id          uuid,
    drive_id         uuid,
    recorded_by      uuid,
    recorder_site_id uuid,
    device_ref       text,
    distance_m       integer,
    event_id         uuid        not null,
    correlation_id   text        not null,
    received_at      timestamptz not null default clock_timestamp()
) with (fillfactor = 90);
-- A bucket's inputs are found by volunteer and day.
create index records_of_day on records (volunteer_id, day);

-- Lower revisions, whether replaced or arrived late: with "records", every revision that was ever applied or superseded.
create table superseded_revisions (
    record_id     uuid        not null,
    revision      integer     not null,
    content_hash  bytea       not null,
    volunteer_id  uuid        not null,
    event_id      uuid        not null,
    content       jsonb       not null,
    superseded_at timestamptz not null default clock_timestamp(),
    primary key (record_id, revision)
);

-- What the rule says of one volunteer and one period ('day/2026-03-04') or one lifetime bonus ('life/first-service').
-- explanation: {"records": [[record_id, revision, minutes, counted, per_hour, points, reason], ...], ...}
create table buckets (
    volunteer_id     uuid        not null,
    bucket           text        not null,
    version          integer     not null,                                   -- raised at each evaluation that changes it
    rule_version     integer     not null,
    points           integer     not null check (points >= 0),               -- over all expiry dates; lots hold each
    explanation      json        not null,
    first_started_at timestamptz,                                            -- the bucket's earliest record worth something
    first_record_id  uuid,
    updated_at       timestamptz not null,
    primary key (volunteer_id, bucket)
) with (fillfactor = 80);

-- Earlier versions of buckets, so that an old transfer still explains itself.
create table bucket_history (
    volunteer_id uuid        not null,
    bucket       text        not null,
    version      integer     not null,
    rule_version integer     not null,
    points       integer     not null,
    explanation  json        not null,
    updated_at   timestamptz not null,
    primary key (volunteer_id, bucket, version)
);

create view bucket_versions as
    select volunteer_id, bucket, version, rule_version, points, explanation, updated_at, true as current from buckets
    union all
    select volunteer_id, bucket, version, rule_version, points, explanation, updated_at, false from bucket_history;

-- Points of one bucket that expire on one day (the last day on which they are good; 'infinity' if never).
-- awarded: what the rule gives it now; available: what may still be spent; expired: what ran out and was not reversed.
create table lots (
    volunteer_id uuid    not null,
    bucket       text    not null,
    expires_on   date    not null,
    awarded      integer not null check (awarded >= 0),
    available    integer not null check (available >= 0),
    expired      integer not null check (expired >= 0),
    primary key (volunteer_id, bucket, expires_on)
) with (fillfactor = 80);
create index lots_open on lots (expires_on) where available > 0;

-- The accounts of a transfer, by number: those of a volunteer are per volunteer, the others one each.
create table account_kinds (
    kind          smallint primary key,
    name          text     not null unique,
    per_volunteer boolean  not null
);
insert into account_kinds (kind, name, per_volunteer) values
    (0, 'issuance', false), (1, 'available', true), (2, 'held', true), (3, 'debt', true),
    (4, 'redeemed', false), (5, 'expired', false), (6, 'donated', false);

-- Append only. An account's balance = credits - debits: issuance and debt are negative, all sum to zero.
-- bucket, expires_on: which award moved (award, reversal). lot_bucket, lot_expires_on: the one lot whose points moved.
-- pending_id: the hold that the transfer opens, posts (capture), voids (release) or gives back (refund).
create table transfers (
    transfer_id    bigint      generated always as identity,
    volunteer_id   uuid        not null,
    code           text        not null,
    debit          smallint    not null,
    credit         smallint    not null,
    amount         integer     not null check (amount > 0),
    bucket         text,
    expires_on     date,
    bucket_version integer,
    rule_version   integer,
    lot_bucket     text,
    lot_expires_on date,
    pending_id     uuid,
    posting_id     uuid        not null,                                     -- the PointsPosted event that tells of it
    cause_event_id uuid        not null,
    correlation_id text        not null,
    posted_at      timestamptz not null,                                     -- business time
    primary key (volunteer_id, transfer_id),
    constraint known_movement check ((code, debit, credit) in (
        ('award', 0, 1), ('reversal', 1, 0), ('reversal', 5, 0), ('reversal', 3, 0), ('repayment', 1, 3),
        ('hold', 1, 2), ('capture', 2, 4), ('release', 2, 1), ('refund', 4, 1),
        ('expiry', 1, 5), ('donation', 1, 6)))
);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the ledger is append only: % on % is refused', tg_op, tg_table_name
        using errcode = 'insufficient_privilege';
end $$;
create trigger transfers_append_only before update or delete or truncate on transfers
    for each statement execute function refuse_change();
revoke update, delete, truncate on transfers from :app_role;

-- Transfers with their accounts by name, for statements and audits.
create view transfer_entries as
    select t.*,
           case when d.per_volunteer then 'volunteer/' || t.volunteer_id || '/' || d.name else d.name end as debit_account,
           case when c.per_volunteer then 'volunteer/' || t.volunteer_id || '/' || c.name else c.name end as credit_account
      from transfers t
      join account_kinds d on d.kind = t.debit
      join account_kinds c on c.kind = t.credit;

-- Pending transfers. The lots that a hold took are its transfers with code 'hold'.
create table holds (
    hold_id        uuid        primary key,
    volunteer_id   uuid        not null,
    points         integer     not null check (points > 0),
    status         text        not null default 'open' check (status in ('open', 'captured', 'released', 'refunded')),
    expires_at     timestamptz not null,                                     -- business time; 'infinity' if never
    cause_event_id uuid        not null,
    correlation_id text        not null,
    held_at        timestamptz not null,
    settled_at     timestamptz,
    refunded_at    timestamptz,
    check ((status = 'open') = (settled_at is null)),
    check ((status = 'refunded') = (refunded_at is not null))
);
create index holds_open on holds (expires_at) where status = 'open';
create index holds_of_volunteer on holds (volunteer_id);
create index transfers_of_hold on transfers (pending_id) where pending_id is not null;

-- Stars and badges, as awarded; one that was revoked and earned again is a new row.
create table badge_awards (
    award_id         uuid        primary key,
    volunteer_id     uuid        not null,
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
create unique index badge_held_once on badge_awards (volunteer_id, badge) where revoked_at is null;
create index badge_awards_of on badge_awards (volunteer_id, awarded_at);
