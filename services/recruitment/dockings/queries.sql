-- name: lock_team
-- A team's dockings are decided on one after the other. Foreign keys pass.
select team_id from teams where team_id = $1 for no key update;

-- name: list_dockings
-- A team's dockings over time, the latest first, with the sites' names.
select d.docking_id, d.team_id, d.site_id, d.since, d.until, s.name as site_name
from team_dockings d join sites s using (site_id) where d.team_id = $1 order by d.since desc, d.docking_id desc;

-- name: find_docking
-- With the home of its team, which decides who may end it.
select d.docking_id, d.team_id, d.site_id, d.since, d.until, t.site_id as home_id
from team_dockings d join teams t using (team_id) where d.docking_id = $1;

-- name: add_docking
-- A docking that begins.
insert into team_dockings (docking_id, team_id, site_id, since, recorded_at, recorded_by)
values ($1, $2, $3, $4, $5, $6);

-- name: end_docking
-- Nothing comes back when it has ended meanwhile.
update team_dockings set until = $2, ended_at = $3, ended_by = $4 where docking_id = $1 and until is null
returning docking_id;

-- name: end_dockings
-- The team is closed, or docked no more: with no site.
update team_dockings set until = greatest(since, $2), ended_at = $2, ended_by = $3 where team_id = $1 and until is null;

-- name: has_open
-- Whether a team is docked with any site today.
select exists (select from team_dockings where team_id = $1 and until is null);

-- name: figure
-- Teams of an instant and those of them that were docked then, as the dates are known today.
select count(*) as teams,
       count(*) filter (where exists (
           select from team_dockings d
           where d.team_id = t.team_id and d.since <= $1 and (d.until is null or d.until > $1))) as docked
from teams t where t.created_at <= $1 and (t.closed_at is null or t.closed_at > $1);
