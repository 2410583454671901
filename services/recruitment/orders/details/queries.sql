-- name: terms_of
-- The terms of an order that a volunteer serves in, as leader of the team or signed up for the shift; a place that ended
-- with the shift counts, one that the volunteer released does not.
select a.team_id, a.shift_id, s.starts_at, s.ends_at, a.ended_at,
       coalesce(t.leader_volunteer_id = $2, false) as leads
from order_assignments a join shifts s using (shift_id) join teams t on t.team_id = a.team_id
where a.order_id = $1 and (
    t.leader_volunteer_id = $2
    or exists (
        select from signups g
        where g.shift_id = a.shift_id and g.volunteer_id = $2
          and (g.status = 'active' or (s.cancelled_at is not null and g.cancelled_at >= s.cancelled_at))))
order by a.version desc;

-- name: insert_look
-- A look, in the transaction that reads them.
insert into order_looks (look_id, order_id, reader_id, reader_kind, site_id, team_id, looked_at)
values ($1, $2, $3, $4, $5, $6, $7);

-- name: list_looks
-- The readers of the details of an order, newest first; a date of a series has the details of its first order.
select l.look_id, l.reader_kind, s.name as site_name, t.name as team_name, l.looked_at
from orders o join order_looks l on l.order_id in (o.order_id, o.series_id)
left join sites s on s.site_id = l.site_id left join teams t on t.team_id = l.team_id
where o.order_id = $1 order by l.look_id desc limit 200;

-- name: is_signed_up
-- Whether a volunteer holds a place in the order's shift.
select exists (select from signups where shift_id = $1 and volunteer_id = $2 and status = 'active');

-- name: find_of_activity
-- The order that an activity was planned for, if it was for one; it is locked and read afterwards.
select order_id from orders where activity_id = $1;

-- name: find_of_shift
-- The order that a shift was planned for, to a volunteer who holds a place in it or leads its team.
select o.order_id, o.number from orders o join teams t using (team_id)
where o.shift_id = $1 and (
    t.leader_volunteer_id = $2
    or exists (select from signups g where g.shift_id = $1 and g.volunteer_id = $2 and g.status = 'active'));
