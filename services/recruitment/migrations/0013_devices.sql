-- Kiosks and leaders' phones that upload attendance, and what they have uploaded.

create table devices (
    device_id      uuid primary key,
    name           text not null check (length(name) between 1 and 100),
    site_id        uuid not null references sites,
    -- Shared with the device: batches are signed with it.
    secret         text not null,
    registered_by  uuid not null,
    registered_at  timestamptz not null,
    revoked_at     timestamptz
);
create index devices_site on devices (site_id);

-- What a device said under which upload id: the same again is a duplicate, other content is refused.
create table attendance_uploads (
    device_id     uuid not null references devices,
    upload_id     text not null check (length(upload_id) between 1 and 64),
    content_hash  bytea not null,
    record_id     uuid not null references attendance_records,
    uploaded_at   timestamptz not null,
    primary key (device_id, upload_id)
);

revoke update, delete on attendance_uploads from :app_role;
revoke delete on devices from :app_role;
revoke select on devices from auditor;
grant select (device_id, name, site_id, registered_by, registered_at, revoked_at) on devices to auditor;
revoke select on shifts from auditor;
grant select (shift_id, activity_id, starts_at, ends_at, capacity, taken) on shifts to auditor;
