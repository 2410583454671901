-- Sites, teams, themes, projects, drives and appeals are edited and closed; every change is kept, with who made it and when.
alter table sites
    add column version integer not null default 1,
    add column closed_at timestamptz,
    add constraint sites_centre_stays check (kind <> 'centre' or closed_at is null);
alter table teams add column closed_at timestamptz;
alter table themes
    add column version integer not null default 1,
    add column closed_at timestamptz;
alter table projects
    add column version integer not null default 1,
    add column closed_at timestamptz;
alter table drives add column closed_at timestamptz;
alter table appeals
    add column version integer not null default 1,
    add column closed_at timestamptz;

-- The level follows from the kind; a service point has its parent's. Rows that contradict counted in the wrong coverage.
update sites set level = case kind when 'centre' then 'district' when 'institute' then 'township' else 'community' end
where kind <> 'service_point';
update sites point set level = parent.level from sites parent
where point.kind = 'service_point' and parent.site_id = point.parent_id;
alter table sites add constraint sites_level_of_kind check (
    kind = 'service_point'
    or level = case kind when 'centre' then 'district' when 'institute' then 'township' else 'community' end);

-- A name is taken while its bearer is open.
alter table sites drop constraint sites_name_key;
create unique index sites_open_name on sites (name) where closed_at is null;
alter table teams drop constraint teams_name_key;
create unique index teams_open_name on teams (name) where closed_at is null;
drop index teams_one_corps;
create unique index teams_one_corps on teams (kind) where kind = 'corps' and closed_at is null;
alter table themes drop constraint themes_name_key;
create unique index themes_open_name on themes (name) where closed_at is null;
alter table projects drop constraint projects_name_key;
create unique index projects_open_name on projects (name) where closed_at is null;

-- Append only. Values of fields that may name a person are withheld: before and after hold null for them.
create table object_changes (
    change_id    uuid primary key,
    object_kind  text not null check (
        object_kind in ('site', 'team', 'theme', 'project', 'drive', 'appeal', 'activity', 'shift')),
    object_id    uuid not null,
    -- The version of the object that the change made.
    version      integer not null,
    act          text not null check (act ~ '^[a-z]{3,20}$'),
    -- Where the object belongs; null: to the centre.
    site_id      uuid references sites,
    changed_by   uuid not null,
    changed_at   timestamptz not null,
    before       jsonb not null,
    after        jsonb not null
);
create index object_changes_object on object_changes (object_id, change_id);
revoke update, delete on object_changes from :app_role;
