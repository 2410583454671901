-- name: add_tag
-- The caller learns of a taken code by the missing row.
insert into need_tags (tag_id, tag, zh, en, created_at) values ($1, $2, $3, $4, $5) on conflict do nothing returning tag_id;

-- name: find_tag
-- By id.
select tag_id, tag, zh, en, created_at, version, closed_at, 0::bigint as teams from need_tags where tag_id = $1;

-- name: list_tags
-- All tags by their code with the open teams that serve each; there are some dozens.
select g.tag_id, g.tag, g.zh, g.en, g.created_at, g.version, g.closed_at, count(t.team_id) as teams
from need_tags g left join team_tags using (tag_id) left join teams t on t.team_id = team_tags.team_id and t.closed_at is null
group by g.tag_id order by g.tag, g.tag_id;

-- name: open_tags
-- Which of these are tags that can be given; none is closed before the transaction ends.
select tag_id from need_tags where tag_id = any($1::uuid[]) and closed_at is null order by tag_id for key share;

-- name: tags_of
-- The tags of a team by code.
select g.tag_id, g.tag from team_tags join need_tags g using (tag_id) where team_id = $1 order by g.tag;

-- name: clear_tags
-- A team's tags are replaced as a whole.
delete from team_tags where team_id = $1;

-- name: add_team_tags
-- A team's tags as a whole.
insert into team_tags (team_id, tag_id) select $1, unnest($2::uuid[]);
