-- name: lock_site
-- A site about to change: transactions that plan something there hold a key share and waits.
select site_id as object_id, kind as subkind, site_id, version, closed_at, name, parent_id, level
from sites where site_id = $1 for update;

-- name: lock_team
-- A team about to change; its home decides who may change it.
select team_id as object_id, kind as subkind, site_id, version, closed_at, name, docked, leader_volunteer_id,
       series, department, head
from teams where team_id = $1 for update;

-- name: lock_theme
-- A theme about to change.
select theme_id as object_id, '' as subkind, null::uuid as site_id, version, closed_at, name, pillar
from themes where theme_id = $1 for update;

-- name: lock_project
-- A project about to change; its site decides who may change it.
select project_id as object_id, '' as subkind, site_id, version, closed_at, name, pillar, summary
from projects where project_id = $1 for update;

-- name: lock_drive
-- A drive about to change; its site decides who may change it.
select drive_id as object_id, '' as subkind, site_id, version, closed_at, name, place_kind, place, starts_at, ends_at
from drives where drive_id = $1 for update;

-- name: lock_appeal
-- An appeal about to change.
select appeal_id as object_id, '' as subkind, null::uuid as site_id, version, closed_at, title, channel, body
from appeals where appeal_id = $1 for update;

-- name: lock_tag
-- A tag about to change.
select tag_id as object_id, '' as subkind, null::uuid as site_id, version, closed_at, zh, en
from need_tags where tag_id = $1 for update;

-- name: lock_honour
-- An honour about to change; its project's site decides who may change it.
select h.honour_id as object_id, '' as subkind, p.site_id, h.version, h.closed_at, h.title, h.awarded_by, h.year, h.level,
       h.category
from honours h join projects p using (project_id) where h.honour_id = $1 for update of h;

-- name: lock_organisation
-- A volunteer organisation about to change; its site decides who may change it.
select organisation_id as object_id, '' as subkind, site_id, version, closed_at, name, level
from organisations where organisation_id = $1 for update;

-- name: lock_training
-- A training about to change; its site decides who may change it.
select training_id as object_id, '' as subkind, site_id, version, closed_at, title, mode, starts_at, ends_at
from trainings where training_id = $1 for update;

-- name: update_site
-- Nothing comes back when the name is taken by another open site.
update sites set name = $2, parent_id = $3, level = $4, version = version + 1
where site_id = $1 and not exists (
    select from sites other where other.name = $2 and other.site_id <> $1 and other.closed_at is null)
returning version;

-- name: update_levels_below
-- Service points have the level of their parent, also after it or they have moved.
update sites point set level = parent.level from sites parent
where point.kind = 'service_point' and parent.site_id = point.parent_id and (parent.site_id = $1 or point.site_id = $1);

-- name: update_team
-- Nothing comes back when the name is taken by another open team.
update teams set name = $2, site_id = $3, docked = $4, leader_volunteer_id = $5, series = $6, department = $7, head = $8,
    version = version + 1
where team_id = $1 and not exists (
    select from teams other where other.name = $2 and other.team_id <> $1 and other.closed_at is null)
returning version;

-- name: update_theme
-- Nothing comes back when the name is taken by another open theme.
update themes set name = $2, pillar = $3, version = version + 1
where theme_id = $1 and not exists (
    select from themes other where other.name = $2 and other.theme_id <> $1 and other.closed_at is null)
returning version;

-- name: update_project
-- Nothing comes back when the name is taken by another open project.
update projects set name = $2, site_id = $3, pillar = $4, summary = $5, version = version + 1
where project_id = $1 and not exists (
    select from projects other where other.name = $2 and other.project_id <> $1 and other.closed_at is null)
returning version;

-- name: update_drive
-- Names of drives need not differ.
update drives set name = $2, place_kind = $3, place = $4, starts_at = $5, ends_at = $6, version = version + 1
where drive_id = $1 returning version;

-- name: update_appeal
-- Titles of appeals need not differ.
update appeals set title = $2, channel = $3, body = $4, version = version + 1 where appeal_id = $1 returning version;

-- name: update_tag
-- The code of a tag stays as it is.
update need_tags set zh = $2, en = $3, version = version + 1 where tag_id = $1 returning version;

-- name: update_honour
-- Titles of honours need not differ.
update honours set title = $2, awarded_by = $3, year = $4, level = $5, category = $6, version = version + 1
where honour_id = $1 returning version;

-- name: update_organisation
-- Nothing comes back when the name is taken by another open organisation.
update organisations set name = $2, level = $3, site_id = $4, version = version + 1
where organisation_id = $1 and not exists (
    select from organisations other where other.name = $2 and other.organisation_id <> $1 and other.closed_at is null)
returning version;

-- name: update_training
-- Titles of trainings need not differ.
update trainings set title = $2, mode = $3, starts_at = $4, ends_at = $5, version = version + 1
where training_id = $1 returning version;

-- name: close_site
-- From now on nothing is founded or planned there.
update sites set closed_at = $2, version = version + 1 where site_id = $1;

-- name: close_team
-- From now on nothing is planned for it, and its leader leads it no more.
update teams set closed_at = $2, version = version + 1 where team_id = $1;

-- name: close_theme
-- From now on nothing is planned under it.
update themes set closed_at = $2, version = version + 1 where theme_id = $1;

-- name: close_project
-- From now on no activity names it.
update projects set closed_at = $2, version = version + 1 where project_id = $1;

-- name: close_drive
-- From now on its code registers no volunteers.
update drives set closed_at = $2, version = version + 1 where drive_id = $1;

-- name: close_appeal
-- From now on its code registers no volunteers.
update appeals set closed_at = $2, version = version + 1 where appeal_id = $1;

-- name: close_tag
-- From now on no team is given it; teams that have it keep it until they are edited.
update need_tags set closed_at = $2, version = version + 1 where tag_id = $1;

-- name: close_honour
-- From now on it is shown and counted no more.
update honours set closed_at = $2, version = version + 1 where honour_id = $1;

-- name: close_organisation
-- From now on it attends no trainings.
update organisations set closed_at = $2, version = version + 1 where organisation_id = $1;

-- name: close_training
-- From now on its attendance stays as it is.
update trainings set closed_at = $2, version = version + 1 where training_id = $1;

-- name: touch
-- A team's or site's next version, after a change of what belongs to it in other tables.
with team as (update teams set version = version + 1 where team_id = $1)
update sites set version = version + 1 where site_id = $1;

-- name: remaining_at_site
-- What is open and belongs to a site: its sites, teams and organisations, teams docked with it, drives not over, activities with a shift to come.
select 'site' as kind, site_id as object_id, name from sites where parent_id = $1 and closed_at is null
union all
select 'team', team_id, name from teams where site_id = $1 and closed_at is null
union all
select 'team', t.team_id, t.name from team_dockings d join teams t using (team_id)
where d.site_id = $1 and d.until is null and t.site_id <> $1
union all
select 'organisation', organisation_id, name from organisations where site_id = $1 and closed_at is null
union all
select 'drive', drive_id, name from drives where site_id = $1 and closed_at is null and ends_at > $2
union all
select 'activity', activity_id, title from activities a
where a.site_id = $1 and a.state <> 'closed' and exists (
    select from shifts s where s.activity_id = a.activity_id and s.ends_at > $2)
order by kind, object_id limit $3;

-- name: remaining_of_team
-- Activities of a team with a shift to come.
select 'activity' as kind, activity_id as object_id, title as name from activities a
where a.team_id = $1 and a.state <> 'closed' and exists (
    select from shifts s where s.activity_id = a.activity_id and s.ends_at > $2)
order by activity_id limit $3;

-- name: add_change
-- The history of an object, never changed or deleted.
insert into object_changes (change_id, object_kind, object_id, version, act, site_id, changed_by, changed_at, before, after)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10::jsonb);

-- name: changes_since
-- For who decided on an older version: what was changed since, oldest first.
select change_id, version, act, site_id, changed_by, changed_at, before, after from object_changes
where object_kind = $1 and object_id = $2 and version > $3 order by version, change_id limit $4;

-- name: list_changes
-- Newest first, by keyset, within the caller's sites (none: all).
select change_id, version, act, site_id, changed_by, changed_at, before, after from object_changes
where object_kind = $1 and object_id = $2 and ($3::uuid is null or change_id < $3)
  and ($4::uuid[] is null or site_id = any($4))
order by change_id desc limit $5;
