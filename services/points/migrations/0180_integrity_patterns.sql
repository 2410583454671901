-- Kinds of cases that need other streams: approvals, sign-ups, pickups and drives.
alter table cases drop constraint cases_kind_check;
alter table cases add constraint cases_kind_check check (kind in (
    'two-sites', 'burst', 'no-check-in', 'many-accounts', 'long-day', 'recorder-hours', 'denials', 'one-time-referrals',
    'mutual-approvals', 'filled-at-once', 'never-signed-up', 'shared-pickups', 'idle-drives'));
alter table cases drop constraint cases_subject_kind_check;
alter table cases add constraint cases_subject_kind_check check (subject_kind in (
    'volunteer', 'recorder', 'device', 'pair', 'shift', 'drive'));

-- People whom a case without records is about, and the redemption that makes each part of it.
create table case_people (
    case_id       uuid not null references cases,
    volunteer_id  uuid not null,
    redemption_id uuid references redemption
);
create unique index case_people_once on case_people (case_id, volunteer_id, redemption_id) nulls not distinct;

-- Places that were taken, with what recruitment said of their shift then.
create table integrity_signups (
    signup_id    uuid        primary key,
    shift_id     uuid        not null,
    volunteer_id uuid        not null,
    source       text,
    placed_at    timestamptz not null,
    opened_at    timestamptz,                                                 -- when its shift could be signed up for
    places       integer,
    starts_at    timestamptz not null
);
create index integrity_signups_of_shift on integrity_signups (shift_id, volunteer_id);
create index integrity_signups_quick on integrity_signups (starts_at) where placed_at - opened_at <= interval '1 hour';
create index integrity_signups_by_time on integrity_signups using brin (starts_at);

-- Drives, and whom each registered.
create table integrity_drives (
    drive_id uuid        primary key,
    site_id  uuid        not null,
    ends_at  timestamptz not null
);
create table integrity_registrations (
    volunteer_id  uuid        primary key,
    drive_id      uuid        not null,
    registered_at timestamptz not null
);
create index integrity_registrations_of_drive on integrity_registrations (drive_id);

-- Which account approved whose record; each revision of a record once.
create table integrity_approvals (
    record_id    uuid    not null,
    revision     integer not null,
    volunteer_id uuid    not null,
    recorded_by  uuid    not null,
    decided_by   uuid    not null,
    site_id      uuid,
    day          date    not null,                                            -- of the approval, in the district's zone
    primary key (record_id, revision)
);
create index integrity_approvals_of on integrity_approvals (recorded_by, decided_by, day);

-- The random id of the browser on which a reward was redeemed, as records have it.
alter table redemption add column device_ref text check (device_ref ~ '^phone:[A-Za-z0-9_-]{16,64}$');
create index redemption_phones on redemption (settled_at) where device_ref is not null and status = 'captured';

grant select on case_people, integrity_signups, integrity_drives, integrity_registrations, integrity_approvals to auditor;
revoke update, delete on case_people from :app_role;
