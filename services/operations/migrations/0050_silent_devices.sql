-- The days on which devices sent records, learned from the index up to the row "records_seen": a device that is due and silent
-- is a reading of its own.
create table device_days (
    device_id uuid not null,
    day       date not null,
    site_id   uuid not null,
    last_at   timestamptz not null,
    primary key (device_id, day)
);
create index device_days_by_day on device_days (day);
alter table monitor_cursor add column records_seen bigint not null default 0;
insert into monitor_thresholds (monitor, version, trip, clear, hold_seconds, calm_seconds) values
    ('device-silence', 1, 120, 120, 120, 120);
