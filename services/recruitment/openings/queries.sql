-- name: hours_of
-- A site's opening hours in the order of the week.
select weekday, opens, closes from site_openings where site_id = $1 order by weekday, opens;

-- name: rota_of
-- A site's rota in the order of the week, with the teams' names.
select r.weekday, r.begins, r.ends, r.team_id, t.name from site_rota r join teams t using (team_id)
where r.site_id = $1 order by r.weekday, r.begins, t.name;

-- name: clear_hours
-- The hours of a site are replaced as a whole.
delete from site_openings where site_id = $1;

-- name: clear_rota
-- The rota of a site is replaced as a whole.
delete from site_rota where site_id = $1;

-- name: add_hours
-- The hours of a site as a whole.
insert into site_openings (site_id, weekday, opens, closes)
select $1, weekday, opens, closes from unnest($2::smallint[], $3::time[], $4::time[]) as hours (weekday, opens, closes);

-- name: add_rota
-- The rota of a site as a whole.
insert into site_rota (site_id, weekday, begins, ends, team_id)
select $1, weekday, begins, ends, team_id
from unnest($2::smallint[], $3::time[], $4::time[], $5::uuid[]) as duty (weekday, begins, ends, team_id);

-- name: open_teams
-- Which of these are open teams; none is closed before the transaction ends.
select team_id from teams where team_id = any($1::uuid[]) and closed_at is null order by team_id for key share;
