-- name: find_site
-- A parent or home must exist and be open, and its kind decides what may hang under it. Closing or moving the site
-- waits until what was founded there is committed.
select site_id, kind, name, parent_id, level, created_at, version, closed_at from sites where site_id = $1 for key share;

-- name: add_site
-- The caller learns of a taken name by the missing row.
insert into sites (site_id, kind, name, parent_id, level, created_at) values ($1, $2, $3, $4, $5, $6)
on conflict do nothing returning site_id;

-- name: list_sites
-- In order of founding, a page at a time.
select site_id, kind, name, parent_id, level, created_at, version, closed_at from sites
where $1::uuid is null or site_id > $1 order by site_id limit $2;

-- name: add_team
-- The caller learns of a taken name, or a second corps, by the missing row.
insert into teams (team_id, kind, name, site_id, docked, created_at, series, department, head)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict do nothing returning team_id;

-- name: list_teams
-- In order of founding, a page at a time.
select team_id, kind, name, site_id, leader_volunteer_id, docked, created_at, version, closed_at, series, department,
       head
from teams
where $1::uuid is null or team_id > $1 order by team_id limit $2;

-- name: find_team
-- By id.
select team_id, kind, name, site_id, leader_volunteer_id, docked, created_at, version, closed_at, series, department,
       head
from teams
where team_id = $1;

-- name: volunteer_exists
-- A leader is a volunteer who has claimed the account, else the leader could not sign in.
select claimed_at is not null as claimed from volunteers where volunteer_id = $1;

-- name: within_reach
-- Is the volunteer at home at one of these sites or at or below these teams' homes, or signed up, served or a member there?
with recursive below (site_id) as (
    select site_id from teams where team_id = any($3::uuid[])
    union
    select child.site_id from below join sites child on child.parent_id = below.site_id
)
select exists (
    select from volunteers v where v.volunteer_id = $1
    and (v.site_id = any($2::uuid[]) or v.site_id in (select site_id from below)
         or exists (
             select from signups g join shifts s using (shift_id) join activities a using (activity_id)
             where g.volunteer_id = v.volunteer_id and (a.site_id = any($2) or a.team_id = any($3)))
         or exists (
             select from team_memberships m join teams t using (team_id)
             where m.volunteer_id = v.volunteer_id and m.status = 'active'
               and (t.site_id = any($2) or t.team_id = any($3)))
         or exists (
             select from attendance_records r
             where r.volunteer_id = v.volunteer_id and (r.site_id = any($2) or r.team_id = any($3))))
);

-- name: add_theme
-- The caller learns of a taken name by the missing row.
insert into themes (theme_id, name, pillar, created_at) values ($1, $2, $3, $4) on conflict do nothing returning theme_id;

-- name: list_themes
-- In order of founding, a page at a time.
select theme_id, name, pillar, created_at, version, closed_at from themes
where $1::uuid is null or theme_id > $1 order by theme_id limit $2;

-- name: find_theme
-- By id.
select theme_id, name, pillar, created_at, version, closed_at from themes where theme_id = $1;

-- name: add_project
-- The caller learns of a taken name by the missing row.
insert into projects (project_id, name, site_id, pillar, created_at, summary) values ($1, $2, $3, $4, $5, $6)
on conflict do nothing returning project_id;

-- name: add_honours
-- All honours of a project in one statement.
insert into honours (honour_id, project_id, title, awarded_by, year, created_at, level, category)
select honour_id, $1, title, awarded_by, year, $6, level, category
from unnest($2::uuid[], $3::text[], $4::text[], $5::smallint[], $7::text[], $8::text[])
    as honour (honour_id, title, awarded_by, year, level, category);

-- name: find_honour
-- By id.
select honour_id, title, awarded_by, year, level, category, version from honours where honour_id = $1;

-- name: list_projects
-- In order of founding, a page at a time.
select project_id, name, site_id, pillar, created_at, version, closed_at, summary from projects
where $1::uuid is null or project_id > $1 order by project_id limit $2;

-- name: find_project
-- By id.
select project_id, name, site_id, pillar, created_at, version, closed_at, summary from projects where project_id = $1;

-- name: honours_of
-- For a page of projects at once.
select project_id, honour_id, title, awarded_by, year, level, category, version from honours
where project_id = any($1::uuid[]) and closed_at is null order by year, honour_id;
