-- What the streams carried per minute in the last hour: written by the agents, counted from the index where they stood.
create table live_minutes (
    minute timestamptz not null,
    type text not null,
    site_id uuid,
    drive_id uuid,
    events bigint not null,
    records bigint not null,
    points bigint not null,
    lateness_ms bigint not null,
    latest_ms bigint not null,
    unique nulls not distinct (minute, type, site_id, drive_id)
);

-- Minutes that the agents may have missed, until they are counted from the index.
create table live_gaps (
    since timestamptz not null,
    until timestamptz not null
);
