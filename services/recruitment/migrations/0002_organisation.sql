-- Sites form one tree under the centre: centre, institutes, stations, service points.
create table sites (
    site_id     uuid primary key,
    kind        text not null check (kind in ('centre', 'institute', 'station', 'service_point')),
    name        text not null unique check (length(name) between 1 and 100),
    parent_id   uuid references sites,
    level       text not null check (level in ('district', 'township', 'community')),
    created_at  timestamptz not null,
    check ((kind = 'centre') = (parent_id is null))
);
create unique index sites_one_centre on sites (kind) where kind = 'centre';
create index sites_parent on sites (parent_id);

create table teams (
    team_id     uuid primary key,
    kind        text not null check (kind in ('corps', 'detachment', 'team')),
    name        text not null unique check (length(name) between 1 and 100),
    site_id     uuid not null references sites,
    leader_volunteer_id uuid,
    docked      boolean not null default false,
    version     integer not null default 1,
    created_at  timestamptz not null
);
create unique index teams_one_corps on teams (kind) where kind = 'corps';
create index teams_site on teams (site_id);
create index teams_leader on teams (leader_volunteer_id) where leader_volunteer_id is not null;

create table themes (
    theme_id    uuid primary key,
    name        text not null unique check (length(name) between 1 and 100),
    -- The four pillars: 共享化 shared, 制度化 institutional, 亮单化 showcase, 精准化 precise.
    pillar      text not null check (pillar in ('shared', 'institutional', 'showcase', 'precise')),
    created_at  timestamptz not null
);

create table projects (
    project_id  uuid primary key,
    name        text not null unique check (length(name) between 1 and 100),
    site_id     uuid not null references sites,
    pillar      text not null check (pillar in ('shared', 'institutional', 'showcase', 'precise')),
    created_at  timestamptz not null
);
create index projects_site on projects (site_id);

create table honours (
    honour_id   uuid primary key,
    project_id  uuid not null references projects,
    title       text not null check (length(title) between 1 and 200),
    awarded_by  text not null check (length(awarded_by) between 1 and 200),
    year        smallint not null check (year between 1949 and 2200),
    created_at  timestamptz not null
);
create index honours_project on honours (project_id);
