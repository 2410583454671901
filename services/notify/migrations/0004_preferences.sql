-- What a volunteer chose; who chose nothing gets the inbox only. Quiet hours are times of day in the district's zone.
create table preferences (
    volunteer_id  uuid primary key,
    email         boolean not null,
    quiet_from    time,
    quiet_to      time,
    updated_at    timestamptz not null,
    check ((quiet_from is null) = (quiet_to is null))
);
