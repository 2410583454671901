-- name: remind
-- Reminders that are due, written once however many workers run: of several the one nearest the start, for sign-ups that
-- were made before the first of them was due.
with due as (
    select distinct on (g.signup_id) g.signup_id, g.volunteer_id, g.version, before.hours, s.shift_id, s.starts_at,
           a.activity_id, a.title, a.site_id
    from shifts s join activities a using (activity_id) join signups g using (shift_id)
    cross join unnest($2::integer[]) as before (hours)
    where s.starts_at > $1 and s.starts_at <= $1 + make_interval(hours => $3) and s.cancelled_at is null
      and a.state = 'open' and g.status = 'active' and g.placed_at < s.starts_at - make_interval(hours => $3)
      and s.starts_at <= $1 + make_interval(hours => before.hours)
      and not exists (
          select from signup_reminders r where r.signup_id = g.signup_id and r.hours <= before.hours)
    order by g.signup_id, before.hours
    limit $4
), written as (
    insert into signup_reminders (signup_id, hours, reminded_at) select signup_id, hours, $1 from due
    on conflict do nothing returning signup_id
)
select due.* from due join written using (signup_id) order by signup_id;
