-- name: desks_of
-- The kinds of a site and of those above it, from below.
with recursive above (site_id, parent_id, kind, height) as (
    select site_id, parent_id, kind, 0 from sites where site_id = $1
    union all
    select s.site_id, s.parent_id, s.kind, above.height + 1 from sites s join above on s.site_id = above.parent_id
)
select site_id, kind from above order by height;

-- name: resident_of_volunteer
-- What a volunteer is called when asking for help.
select p.resident_id from volunteers v join vault_people p using (person_id) where v.volunteer_id = $1;

-- name: resident_of_person
-- What a person is called when asking for help.
select resident_id from vault_people where person_id = $1;

-- name: person_of_resident
-- The person behind a resident, whose looks are counted.
select person_id from vault_people where resident_id = $1;

-- name: centre
-- Where an order goes that names no site.
select site_id from sites where parent_id is null limit 1;

-- name: home_of_volunteer
-- The site of a volunteer, where an order of theirs goes that names none.
select site_id from volunteers where volunteer_id = $1;

-- name: home_of_staff
-- The site of a member of staff, where an order goes that they take and that names none.
select site_id from staff where staff_id = $1;

-- name: find_acting_team
-- A team as it stands for an order: who leads it, whether it is open, serves the need, and has declined.
select t.team_id, t.name, t.site_id, t.leader_volunteer_id, t.closed_at,
       exists (select from team_tags g where g.team_id = t.team_id and g.tag_id = $2) as serves,
       exists (select from order_declines d where d.team_id = t.team_id and d.order_id = $3) as declined
from teams t where t.team_id = $1 for key share of t;

-- name: leaders_for_need
-- The leaders of open teams that serve a need and have not declined this order.
select distinct t.leader_volunteer_id
from teams t join team_tags g using (team_id)
where g.tag_id = $1 and t.closed_at is null and t.leader_volunteer_id is not null
  and not exists (select from order_declines d where d.order_id = $2 and d.team_id = t.team_id)
order by 1 limit $3;

-- name: staff_at
-- Active staff of the desk: at the nearest site of these kinds at or above the order's; the centre's have no site too.
with recursive above (site_id, parent_id, kind, height) as (
    select site_id, parent_id, kind, 0 from sites where site_id = $1
    union all
    select s.site_id, s.parent_id, s.kind, above.height + 1 from sites s join above on s.site_id = above.parent_id
), desk as (
    select site_id from above where kind = any($2::text[]) order by height limit 1
)
select s.staff_id from staff s
where s.active and s.role in ('station', 'operator')
  and (s.site_id in (select site_id from desk) or ($3::boolean and s.site_id is null))
order by s.staff_id limit $4;

-- name: serves_any
-- Whether one of these teams may still take an order that is offered to all.
select exists (
    select from teams t join team_tags g using (team_id)
    where t.team_id = any($2::uuid[]) and g.tag_id = $3 and t.closed_at is null
      and not exists (select from order_declines d where d.order_id = $1 and d.team_id = t.team_id));
