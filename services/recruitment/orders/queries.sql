-- name: next_serials
-- The serials of order numbers; gaps are fine, repeats are not.
select nextval('order_numbers')::bigint as serial from generate_series(1, $1::integer);

-- name: find_need
-- What a tag means as an order; a tag without a row of its own can be ordered as it is.
select g.tag_id, g.tag, g.zh, g.en, g.closed_at, n.what, coalesce(n.minutes, 60) as minutes, coalesce(n.people, 1) as people,
       coalesce(n.orderable, true) as orderable, n.theme_id, coalesce(n.version, 0) as version
from need_tags g left join order_needs n using (tag_id) where g.tag_id = $1;

-- name: insert_order
-- A new order at its first version.
insert into orders (order_id, number, state, desk, desks, need_tag_id, site_id, resident_id, beneficiary_id, taken_by,
                    minutes, people, frail, wished_from, wished_to, placed_at, since, due_at, next_at, team_id, activity_id,
                    shift_id, starts_at, ends_at, series_id, series_every, series_times, door_salt, version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
        $26, $27, $28, $29);

-- name: update_order
-- The next version; nothing comes back when a concurrent transaction wrote it.
update orders
set state = $3, desk = $4, desks = $5, site_id = $6, since = $7, due_at = $8, next_at = $9, team_id = $10, activity_id = $11,
    shift_id = $12, starts_at = $13, ends_at = $14, declines = $15, reopened = $16, escalations = $17, stars = $18,
    rated_by_default = $19, complaint = $20, residents_served = $21, reason = $22, version = $2,
    door_uses = case when shift_id is distinct from $12 then 0 else door_uses end,
    door_salt = case when shift_id is distinct from $12 then $23 else door_salt end
where order_id = $1 and version = $2 - 1 returning version;

-- name: follow_shift
-- The times of a shift that was postponed or shortened.
update orders set starts_at = $2, ends_at = $3, due_at = $4, next_at = $5 where order_id = $1;

-- name: insert_change
-- A step of an order, in the transaction that makes it.
insert into order_changes (order_id, version, act, state, desk, site_id, at, by_kind, by_id, reason, team_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: lock_order
-- Everything that changes an order queues here first; it is read in a later statement.
select order_id from orders where order_id = $1 for no key update;

-- name: find_order
-- One order with the names that people know it by, and its shift as it is now.
select o.*, g.tag, g.zh, g.en, s.name as site_name, t.name as team_name, t.leader_volunteer_id, sh.starts_at as shift_starts_at,
       sh.ends_at as shift_ends_at, sh.cancelled_at as shift_cancelled_at
from orders o join need_tags g on g.tag_id = o.need_tag_id join sites s on s.site_id = o.site_id
left join teams t on t.team_id = o.team_id left join shifts sh on sh.shift_id = o.shift_id
where o.order_id = $1;

-- name: list_changes
-- The steps of any number of orders, in order.
select order_id, version, act, state, desk, at, by_kind, reason, team_id from order_changes
where order_id = any($1::uuid[]) order by order_id, version;

-- name: insert_text
-- What a person typed about an order, sealed.
insert into order_texts (text_id, order_id, owner_id, kind, wrapped_key, sealed, written_at)
values ($1, $2, $3, $4, $5, $6, $7);

-- name: list_texts
-- The sealed texts of an order and of the series that it belongs to, in order.
select x.owner_id, x.kind, x.wrapped_key, x.sealed, x.written_at
from orders o join order_texts x on x.order_id = o.order_id or (x.order_id = o.series_id and x.kind = 'details')
where o.order_id = $1 order by x.text_id;

-- name: insert_decline
-- The order is not offered to this team again.
insert into order_declines (order_id, team_id, declined_at) values ($1, $2, $3) on conflict do nothing;

-- name: clear_declines
-- Reopened: every team may accept again.
delete from order_declines where order_id = $1;

-- name: insert_assignment
-- A team has the order from this version on.
insert into order_assignments (order_id, version, team_id, shift_id, starts_at, ends_at) values ($1, $2, $3, $4, $5, $6);

-- name: end_assignment
-- The team no longer has it, or has served it.
update order_assignments set ended_at = $2 where order_id = $1 and ended_at is null;

-- name: insert_rating
-- A rating by the resident, or by default.
insert into order_ratings (order_id, rated_at, stars, by_default, channel, complaint, team_id)
values ($1, $2, $3, $4, $5, $6, $7);

-- name: exceptions
-- The days around now that differ from the usual week.
select day, works from working_days where day between $1::date - 1 and $1::date + 90;

-- name: lock_due
-- Orders whose deadline passed; those that another worker has locked are left to it.
select order_id from orders where next_at <= $1 order by next_at, order_id limit $2 for no key update skip locked;

-- name: stranded
-- Open orders whose site or team was closed, whose team has no leader, whose shift was called off or whose resident's key
-- was forgotten; those that another worker has locked are left to it.
select o.order_id
from orders o join sites s on s.site_id = o.site_id left join teams t on t.team_id = o.team_id
left join shifts sh on sh.shift_id = o.shift_id left join vault_people p on p.resident_id = o.resident_id
where o.due_at is not null and (
    s.closed_at is not null or p.person_id is null or octet_length(p.wrapped_key) = 0
    or (o.state in ('dispatched', 'accepted', 'scheduled') and t.closed_at is not null)
    or (o.state in ('dispatched', 'accepted') and t.leader_volunteer_id is null)
    or (o.state = 'scheduled' and sh.cancelled_at is not null))
order by o.order_id limit $1 for no key update of o skip locked;

-- name: find_strand
-- What is gone of an order, read after its lock; the nearest open site above takes over.
with recursive above (site_id, parent_id, closed_at, height) as (
    select s.site_id, s.parent_id, s.closed_at, 0 from sites s join orders o using (site_id) where o.order_id = $1
    union all
    select s.site_id, s.parent_id, s.closed_at, above.height + 1 from sites s join above on s.site_id = above.parent_id
)
select (p.person_id is null or octet_length(p.wrapped_key) = 0) as erased, t.closed_at is not null as team_closed,
       o.team_id is not null and t.leader_volunteer_id is null as leaderless, sh.cancelled_at is not null as called_off,
       (select site_id from above where closed_at is null order by height limit 1) as site_id
from orders o left join teams t on t.team_id = o.team_id left join shifts sh on sh.shift_id = o.shift_id
left join vault_people p on p.resident_id = o.resident_id
where o.order_id = $1;

-- name: erase_texts
-- The resident was erased: what was typed about the order goes with them.
delete from order_texts where order_id = $1;

-- name: find_theme
-- The theme of activities that are made from orders: the need's own, else the oldest open one for precise help.
select theme_id from themes where closed_at is null order by (theme_id = $1::uuid) desc nulls last, (pillar = 'precise') desc, created_at limit 1;

-- name: find_door
-- The salt of the one-time codes at the door, how often one was used, and the shift that they open.
select o.shift_id, o.door_salt, o.door_uses, o.state, o.resident_id, o.beneficiary_id, o.starts_at, o.ends_at
from orders o where o.order_id = $1;

-- name: use_door
-- The code was used; the next one is another.
update orders set door_uses = door_uses + 1 where order_id = $1;
