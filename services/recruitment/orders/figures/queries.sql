-- name: totals
-- Orders placed in [$1, $2) within the sites (none: all), as their steps up to $4 have them. On time: no deadline passed
-- before the service. A rating by default is none.
with placed as (
    select order_id, reopened from orders
    where placed_at >= $1 and placed_at < $2 and placed_at <= $4 and ($3::uuid[] is null or site_id = any($3))
), stood as (
    select distinct on (c.order_id) c.order_id, c.state from placed join order_changes c using (order_id)
    where c.at <= $4 order by c.order_id, c.version desc
), passed as (
    select c.order_id, bool_or(c.act = 'escalate') as escalated, bool_or(c.act in ('escalate', 'release', 'remind')) as late,
           bool_or(c.act = 'reopen') as reopened
    from placed join order_changes c using (order_id) where c.at <= $4 group by c.order_id
), opinions as (
    select r.order_id, bool_or(not r.by_default) as rated, bool_or(r.by_default) as by_default, bool_or(r.complaint) as complaint
    from placed join order_ratings r using (order_id) where r.rated_at <= $4 group by r.order_id
)
select state, count(*) as orders, count(*) filter (where o.rated) as rated,
       count(*) filter (where o.by_default and not o.rated) as rated_by_default,
       count(*) filter (where state in ('served', 'rated') and not late) as on_time,
       count(*) filter (where escalated) as escalated, count(*) filter (where p.reopened) as reopened,
       count(*) filter (where o.complaint) as complaints
from stood join passed p using (order_id) left join opinions o using (order_id) group by state;

-- name: opinions
-- Ratings given to orders placed in the period: given by residents, satisfied ones among them, and those by default.
select count(r.stars) as given, count(*) filter (where r.stars >= $4) as satisfied, count(*) filter (where r.by_default) as defaults,
       coalesce(sum(r.stars), 0)::bigint as stars
from orders o join order_ratings r using (order_id)
where o.placed_at >= $1 and o.placed_at < $2 and ($3::uuid[] is null or o.site_id = any($3));

-- name: stays
-- How long orders of the period were in each state that they have left; steps within one state are one stay.
with steps as (
    select c.order_id, c.version, c.state, c.at, lag(c.state) over (partition by c.order_id order by c.version) as before
    from orders o join order_changes c using (order_id)
    where o.placed_at >= $1 and o.placed_at < $2 and ($3::uuid[] is null or o.site_id = any($3))
), stays as (
    select state, lead(at) over (partition by order_id order by version) - at as stay from steps
    where state is distinct from before
)
select state, count(*) as stays, extract(epoch from percentile_cont(0.5) within group (order by stay))::bigint as median_seconds,
       extract(epoch from max(stay))::bigint as longest_seconds
from stays where stay is not null group by state;

-- name: groups
-- The same by site, by need and by month of placing, in the district's zone.
select o.site_id, s.name as site_name, o.need_tag_id, g.zh as need_zh, g.en as need_en, o.month, count(*) as orders,
       count(*) filter (where state in ('served', 'rated')) as served,
       count(*) filter (where state = 'unfulfilled') as unfulfilled,
       count(*) filter (where state = 'rated' and stars is not null) as rated,
       count(*) filter (where state = 'rated' and stars >= $4) as satisfied
from (
    select site_id, need_tag_id, to_char(placed_at at time zone 'Asia/Shanghai', 'YYYY-MM') as month, state, stars from orders
    where placed_at >= $1 and placed_at < $2 and ($3::uuid[] is null or site_id = any($3))
) o join sites s on s.site_id = o.site_id join need_tags g on g.tag_id = o.need_tag_id
group by grouping sets ((o.site_id, s.name), (o.need_tag_id, g.zh, g.en), (o.month))
order by o.month nulls last, count(*) desc, s.name, g.zh;

-- name: needs_without_teams
-- Needs that can be ordered and that no open team with a leader serves, with the orders of the period.
select g.tag_id, g.zh, g.en, count(o.order_id) as orders
from need_tags g left join order_needs n using (tag_id)
left join orders o on o.need_tag_id = g.tag_id and o.placed_at >= $1 and o.placed_at < $2
    and ($3::uuid[] is null or o.site_id = any($3))
where g.closed_at is null and coalesce(n.orderable, true) and not exists (
    select from team_tags join teams t using (team_id)
    where team_tags.tag_id = g.tag_id and t.closed_at is null and t.leader_volunteer_id is not null)
group by g.tag_id, g.zh, g.en order by count(o.order_id) desc, g.zh;

-- name: teams_without_orders
-- Open teams of these sites that serve a need and accepted no order of the period.
select t.team_id, t.name from teams t
where t.closed_at is null and ($3::uuid[] is null or t.site_id = any($3))
  and exists (select from team_tags where team_tags.team_id = t.team_id)
  and not exists (
      select from order_changes c join orders o using (order_id)
      where c.team_id = t.team_id and c.act = 'accept' and o.placed_at >= $1 and o.placed_at < $2)
order by t.name limit 200;
