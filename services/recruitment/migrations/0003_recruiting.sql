-- Drives into squares, enterprises and residential compounds; the code is what people type or scan.
create table drives (
    drive_id    uuid primary key,
    code        text not null unique check (code ~ '^[0-9A-Z]{6,12}$'),
    name        text not null check (length(name) between 1 and 100),
    place_kind  text not null check (place_kind in ('square', 'enterprise', 'compound')),
    place       text not null check (length(place) between 1 and 200),
    site_id     uuid not null references sites,
    starts_at   timestamptz not null,
    ends_at     timestamptz not null check (ends_at > starts_at),
    opened_by   uuid not null,
    opened_at   timestamptz not null,
    version     integer not null default 1
);
create index drives_site on drives (site_id);

-- Appeals (倡议书) published on the WeChat account.
create table appeals (
    appeal_id    uuid primary key,
    code         text not null unique check (code ~ '^[0-9A-Z]{6,12}$'),
    title        text not null check (length(title) between 1 and 200),
    channel      text not null check (length(channel) between 1 and 100),
    body         text not null check (length(body) between 1 and 20000),
    published_by uuid not null,
    published_at timestamptz not null
);
