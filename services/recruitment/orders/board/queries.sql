-- name: list_open
-- The desk: open orders within the caller's sites (none: all), those that are due first on top, by keyset. No join decides
-- what is listed, so that the page is read from the index.
select o.*, g.tag, g.zh, g.en, s.name as site_name, t.name as team_name, t.leader_volunteer_id, null::timestamptz as shift_starts_at,
       null::timestamptz as shift_ends_at, null::timestamptz as shift_cancelled_at
from (
    select * from orders
    where due_at is not null and ($1::uuid[] is null or site_id = any($1)) and ($2::text is null or state = $2)
      and ($3::timestamptz is null or due_at <= $3) and ($4::text is null or desk = $4)
      and ($5::timestamptz is null or (due_at, order_id) > ($5, $6::uuid))
    order by due_at, order_id limit $7
) o join need_tags g on g.tag_id = o.need_tag_id join sites s on s.site_id = o.site_id
left join teams t on t.team_id = o.team_id
order by o.due_at, o.order_id;

-- name: list_ended
-- Orders that ended in a state, the latest first, by keyset.
select o.*, g.tag, g.zh, g.en, s.name as site_name, t.name as team_name, t.leader_volunteer_id, null::timestamptz as shift_starts_at,
       null::timestamptz as shift_ends_at, null::timestamptz as shift_cancelled_at
from (
    select * from orders
    where due_at is null and ($1::uuid[] is null or site_id = any($1)) and state = $2
      and ($3::timestamptz is null or (since, order_id) < ($3, $4::uuid))
    order by since desc, order_id desc limit $5
) o join need_tags g on g.tag_id = o.need_tag_id join sites s on s.site_id = o.site_id
left join teams t on t.team_id = o.team_id
order by o.since desc, o.order_id desc;

-- name: list_mine
-- What a resident ordered or is to be served by, newest first.
select o.*, g.tag, g.zh, g.en, s.name as site_name, t.name as team_name, t.leader_volunteer_id, null::timestamptz as shift_starts_at,
       null::timestamptz as shift_ends_at, null::timestamptz as shift_cancelled_at
from orders o join need_tags g on g.tag_id = o.need_tag_id join sites s on s.site_id = o.site_id
left join teams t on t.team_id = o.team_id
where (o.resident_id = $1 or o.beneficiary_id = $1) and ($2::uuid is null or o.order_id < $2)
order by o.order_id desc limit $3;

-- name: list_offers
-- For a leader: what own teams have, and what is offered to all and one of them serves, due first, by keyset.
select o.*, g.tag, g.zh, g.en, s.name as site_name, t.name as team_name, t.leader_volunteer_id, null::timestamptz as shift_starts_at,
       null::timestamptz as shift_ends_at, null::timestamptz as shift_cancelled_at
from orders o join need_tags g on g.tag_id = o.need_tag_id join sites s on s.site_id = o.site_id
left join teams t on t.team_id = o.team_id
where o.due_at is not null and ($2::timestamptz is null or (o.due_at, o.order_id) > ($2, $3::uuid))
  and ((o.team_id = any($1::uuid[]) and o.state in ('dispatched', 'accepted', 'scheduled'))
       or (o.state = 'offered' and exists (
           select from team_tags own join teams open using (team_id)
           where own.tag_id = o.need_tag_id and own.team_id = any($1) and open.closed_at is null
             and not exists (
                 select from order_declines d where d.order_id = o.order_id and d.team_id = own.team_id))))
order by o.due_at, o.order_id limit $4;

-- name: measure_teams
-- Open teams with a leader that serve a need ($1), or those named ($4), as ranking an order ($2) of a site ($3) sees them.
select t.team_id, t.name, t.site_id,
       exists (select from team_dockings d where d.team_id = t.team_id and d.site_id = $3 and d.until is null) as docked,
       (select count(distinct m.volunteer_id) from team_memberships m join volunteer_facts f using (volunteer_id)
        where m.team_id = t.team_id and m.status = 'active' and f.kind = 'skill' and f.revoked_at is null and f.code = g.tag
       ) as skilled,
       (select count(*) from team_memberships m where m.team_id = t.team_id and m.status = 'active') as members,
       (select count(*) from activities a join shifts s using (activity_id)
        where a.team_id = t.team_id and s.cancelled_at is null and s.starts_at between $5::timestamptz - interval '30 days' and $5)
       + (select count(*) from orders o
          where o.team_id = t.team_id and o.state in ('dispatched', 'accepted', 'scheduled')) as load,
       rated.ratings, rated.stars::float8 as stars,
       exists (select from order_declines d where d.order_id = $2 and d.team_id = t.team_id) as declined
from need_tags g join team_tags using (tag_id) join teams t on t.team_id = team_tags.team_id
cross join lateral (
    select count(r.stars) as ratings, avg(r.stars) as stars from order_ratings r
    where r.team_id = t.team_id and r.rated_at > $5::timestamptz - interval '365 days'
) rated
where g.tag_id = $1 and t.closed_at is null and t.leader_volunteer_id is not null
  and ($4::uuid[] is null or t.team_id = any($4));

-- name: parents
-- The tree of sites; there are some dozens.
select site_id, parent_id from sites;
