-- Needs of residents by tag, and which teams serve them.
create table need_tags (
    tag_id     uuid primary key,
    tag        text not null check (tag ~ '^[a-z][a-z-]{1,38}[a-z]$'),
    zh         text not null check (length(zh) between 1 and 50),
    en         text not null check (length(en) between 1 and 50),
    created_at timestamptz not null,
    version    integer not null default 1,
    closed_at  timestamptz
);
create unique index need_tags_open on need_tags (tag) where closed_at is null;
create table team_tags (
    team_id uuid not null references teams,
    tag_id  uuid not null references need_tags,
    primary key (team_id, tag_id)
);
create index team_tags_tag on team_tags (tag_id);

-- Opening hours of sites, and which team is on duty when; both by weekday, 1 is Monday.
create table site_openings (
    site_id uuid not null references sites,
    weekday smallint not null check (weekday between 1 and 7),
    opens   time not null,
    closes  time not null check (closes > opens),
    primary key (site_id, weekday, opens)
);
create table site_rota (
    site_id uuid not null references sites,
    weekday smallint not null check (weekday between 1 and 7),
    begins  time not null,
    ends    time not null check (ends > begins),
    team_id uuid not null references teams,
    primary key (site_id, weekday, begins, team_id)
);
create index site_rota_team on site_rota (team_id);

alter table projects add column summary text check (length(summary) between 1 and 500);
create index activities_project on activities (project_id, starts_at) where project_id is not null;
alter table honours
    add column level text check (level in ('district', 'city', 'province', 'nation')),
    add column category text check (category in ('project', 'creative', 'community', 'team', 'person')),
    add column version integer not null default 1,
    add column closed_at timestamptz;

-- Volunteer organisations (各级志愿服务组织) and the trainings that their people attend.
create table organisations (
    organisation_id uuid primary key,
    name       text not null check (length(name) between 1 and 100),
    level      text not null check (level in ('district', 'township', 'community')),
    site_id    uuid not null references sites,
    created_at timestamptz not null,
    version    integer not null default 1,
    closed_at  timestamptz
);
create unique index organisations_open_name on organisations (name) where closed_at is null;
create table trainings (
    training_id uuid primary key,
    title      text not null check (length(title) between 1 and 200),
    mode       text not null check (mode in ('online', 'onsite')),
    site_id    uuid not null references sites,
    starts_at  timestamptz not null,
    ends_at    timestamptz not null check (ends_at > starts_at),
    created_at timestamptz not null,
    version    integer not null default 1,
    closed_at  timestamptz
);
create index trainings_start on trainings (starts_at, training_id);
-- How many people of an organisation attended; no names. Written again, it is corrected.
create table training_attendances (
    training_id     uuid not null references trainings,
    organisation_id uuid not null references organisations,
    people          integer not null check (people between 0 and 10000),
    recorded_by     uuid not null,
    recorded_at     timestamptz not null,
    primary key (training_id, organisation_id)
);
revoke delete on need_tags, organisations, trainings, training_attendances from :app_role;

alter table object_changes drop constraint object_changes_object_kind_check;
alter table object_changes add constraint object_changes_object_kind_check check (
    object_kind in ('site', 'team', 'theme', 'project', 'drive', 'appeal', 'activity', 'shift', 'tag', 'honour',
                    'organisation', 'training'));
