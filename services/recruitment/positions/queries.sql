-- name: find_position
-- Where a site lies.
select latitude, longitude from site_positions where site_id = $1;

-- name: clear_position
-- A position is replaced as a whole; the site is locked.
delete from site_positions where site_id = $1;

-- name: add_position
-- Where a site lies from now on.
insert into site_positions (site_id, latitude, longitude) values ($1, $2, $3);
