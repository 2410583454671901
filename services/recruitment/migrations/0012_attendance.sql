-- Attendance: a record is a set of revisions. attendance_records holds the latest of each, attendance_revisions all of them.

create table attendance_records (
    record_id         uuid primary key,
    revision          integer not null check (revision >= 1),
    volunteer_id      uuid not null references volunteers,
    activity_id       uuid references activities,
    shift_id          uuid references shifts,
    site_id           uuid references sites,
    team_id           uuid references teams,
    -- The drive that recruited the volunteer: what the drive's funnel counts.
    drive_id          uuid references drives,
    theme             text not null,
    kind              text not null,
    provenance        text not null check (provenance in ('scanned', 'kiosk', 'leader', 'backfilled', 'imported')),
    closed_by         text check (closed_by in ('self', 'staff', 'auto', 'correction')),
    status            text not null check (status in ('provisional', 'confirmed', 'void')),
    started_at        timestamptz not null,
    ended_at          timestamptz,
    minutes           integer not null check (minutes >= 0),
    planned_minutes   integer not null check (planned_minutes >= 0),
    recorded_by       uuid,
    recorder_site_id  uuid,
    device_ref        text,
    approval_level    text not null check (approval_level in ('none', 'leader', 'site', 'centre')),
    distance_m        integer check (distance_m >= 0),
    -- Business time at which this revision was written.
    recorded_at       timestamptz not null,
    constraint records_forward check (ended_at >= started_at),
    constraint records_open_is_provisional check (ended_at is not null or (minutes = 0 and status <> 'confirmed')),
    constraint records_have_shift check ((provenance = 'imported') = (shift_id is null) and (shift_id is null) = (activity_id is null))
);
-- One open record per volunteer and shift, whatever the application believes.
create unique index records_one_open on attendance_records (volunteer_id, shift_id) where ended_at is null and status <> 'void';
create index records_volunteer on attendance_records (volunteer_id, started_at);
create index records_shift on attendance_records (shift_id);
create index records_open on attendance_records (shift_id) where ended_at is null and status <> 'void';
create index records_drive on attendance_records (drive_id) where drive_id is not null;

-- Append only: each revision whole, and who made it, when, why and on what evidence.
create table attendance_revisions (
    record_id         uuid not null references attendance_records,
    revision          integer not null,
    volunteer_id      uuid not null,
    activity_id       uuid,
    shift_id          uuid,
    site_id           uuid,
    team_id           uuid,
    drive_id          uuid,
    theme             text not null,
    kind              text not null,
    provenance        text not null,
    closed_by         text,
    status            text not null,
    started_at        timestamptz not null,
    ended_at          timestamptz,
    minutes           integer not null,
    planned_minutes   integer not null,
    recorded_by       uuid,
    recorder_site_id  uuid,
    device_ref        text,
    approval_level    text not null,
    distance_m        integer,
    recorded_at       timestamptz not null,
    change            text not null check (change in ('check_in', 'check_out', 'upload', 'import', 'auto_close', 'confirm', 'correct', 'void')),
    made_by           uuid,
    reason            text,
    primary key (record_id, revision)
);

-- What a revision rests on. It may speak of a person, so it is sealed, under a key that is deleted when they are erased;
-- that is why it lies beside the history, which is never changed.
create table attendance_evidence (
    record_id     uuid not null,
    revision      integer not null,
    volunteer_id  uuid not null references volunteers,
    wrapped_key   bytea not null,
    sealed        bytea not null,
    primary key (record_id, revision),
    foreign key (record_id, revision) references attendance_revisions
);
create index attendance_evidence_volunteer on attendance_evidence (volunteer_id);

create function attendance_revisions_stand() returns trigger language plpgsql as $$
begin
    raise exception 'a revision of attendance is never changed or deleted';
end $$;
create trigger attendance_revisions_stand before update or delete or truncate on attendance_revisions
    for each statement execute function attendance_revisions_stand();

revoke update, delete on attendance_revisions from :app_role;
revoke delete on attendance_records from :app_role;
revoke update on attendance_evidence from :app_role;
revoke select on attendance_evidence from auditor;
