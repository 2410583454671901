-- name: unknown_references
-- Which of the ids that an activity names do not exist, all in one round trip.
select 'site_id' as member, id from unnest($1::uuid[]) as id where not exists (select from sites where site_id = id)
union all
select 'team_id', id from unnest($2::uuid[]) as id where not exists (select from teams where team_id = id)
union all
select 'theme_id', id from unnest($3::uuid[]) as id where not exists (select from themes where theme_id = id)
union all
select 'project_id', id from unnest($4::uuid[]) as id where not exists (select from projects where project_id = id);

-- name: closed_references
-- Which of the ids that a plan names are closed; held against being closed until the plan is committed.
select 'site' as kind, id from (
    select site_id as id, closed_at from sites where site_id = any($1::uuid[]) order by site_id for key share) s
where closed_at is not null
union all
select 'team', id from (
    select team_id as id, closed_at from teams where team_id = any($2::uuid[]) order by team_id for key share) t
where closed_at is not null
union all
select 'theme', id from (
    select theme_id as id, closed_at from themes where theme_id = any($3::uuid[]) order by theme_id for key share) t
where closed_at is not null
union all
select 'project', id from (
    select project_id as id, closed_at from projects where project_id = any($4::uuid[]) order by project_id for key share) p
where closed_at is not null;

-- name: team_homes
-- The home of each team and every site below it: where its leader may plan, and whose staff may name it.
with recursive below (team_id, home_id, site_id) as (
    select team_id, site_id, site_id from teams where team_id = any($1::uuid[])
    union all
    select below.team_id, below.home_id, child.site_id from below join sites child on child.parent_id = below.site_id
)
select team_id, home_id, array_agg(site_id) as reach from below group by team_id, home_id;

-- name: insert_activities
-- A whole plan at once.
insert into activities (activity_id, title, theme_id, team_id, site_id, project_id, kind, place, beneficiaries, content,
                        person_in_charge, state, starts_at, opened_at, planned_by, planned_at, visibility)
select activity_id, title, theme_id, team_id, site_id, project_id, kind, place, beneficiaries, content,
       person_in_charge, state, starts_at, opened_at, $15, $16, visibility
from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[],
            $10::text[], $11::text[], $12::text[], $13::timestamptz[], $14::timestamptz[], $17::text[])
    as plan (activity_id, title, theme_id, team_id, site_id, project_id, kind, place, beneficiaries, content,
             person_in_charge, state, starts_at, opened_at, visibility);

-- name: insert_shifts
-- The shifts of any number of activities.
insert into shifts (shift_id, activity_id, starts_at, ends_at, capacity, secret, published_at, withdraw_minutes)
select * from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::integer[], $6::bytea[],
                     $7::timestamptz[], $8::integer[]);

-- name: publish_shifts
-- The shifts of a draft become visible when it opens.
update shifts set published_at = $2 where activity_id = $1 and published_at is null;

-- name: lock_shifts_of
-- A transaction that closes an activity or changes its shifts waits for sign-ups in progress, and later ones wait for it.
select shift_id from shifts where activity_id = $1 order by shift_id for no key update;

-- name: lock_activity
-- After its shifts: one change of an activity at a time.
select activity_id from activities where activity_id = $1 for no key update;

-- name: find_activity
-- One activity as it stands.
select activity_id, title, theme_id, team_id, site_id, project_id, kind, place, beneficiaries, content, person_in_charge,
       state, starts_at, residents_served, note, opened_at, closed_at, closed_by, version,
       visibility
from activities where activity_id = $1;

-- name: find_shifts
-- The shifts of one or more activities, for deciding and for showing; the secret stays where it is.
select shift_id, activity_id, starts_at, ends_at, capacity, taken, published_at, cancelled_at, withdraw_minutes
from shifts where activity_id = any($1::uuid[]) order by starts_at, shift_id;

-- name: update_activity
-- The next version; who comes second finds another version and changes nothing.
update activities
set state = $3, starts_at = $4, residents_served = $5, note = $6, opened_at = $7, closed_at = $8, closed_by = $9, version = $2
where activity_id = $1 and version = $2 - 1
returning version;

-- name: list_activities
-- By the first shift's start, by keyset. Drafts are listed to those who run them: everywhere, at a site, or of a team.
select activity_id, title, theme_id, team_id, site_id, project_id, kind, place, beneficiaries, content, person_in_charge,
       state, starts_at, residents_served, note, opened_at, closed_at, closed_by, version,
       visibility
from activities
where starts_at >= coalesce($1::timestamptz, '-infinity') and starts_at < coalesce($2::timestamptz, 'infinity')
  and ($3::uuid is null or site_id = $3)
  and (state <> 'planned' or $4::boolean or site_id = any($5::uuid[]) or team_id = any($6::uuid[]))
  and ($7::timestamptz is null or (starts_at, activity_id) > ($7, $8::uuid))
  and (visibility = 'public' or $4 or site_id = any($5) or team_id = any($6) or exists (
      select from team_memberships m
      where m.team_id = activities.team_id and m.volunteer_id = $10::uuid and m.status = 'active'))
order by starts_at, activity_id
limit $9;

-- name: is_hidden
-- For the team only: its members see it, and those who hold or held a place.
select exists (
    select from activities a
    where a.activity_id = $1 and a.visibility = 'team'
      and not exists (
          select from team_memberships m
          where m.team_id = a.team_id and m.volunteer_id = $2::uuid and m.status = 'active')
      and not exists (
          select from signups g join shifts s using (shift_id)
          where s.activity_id = a.activity_id and g.volunteer_id = $2));

-- name: list_open_shifts
-- What a volunteer can still sign up for; how they stand with it is read for the page alone.
select s.shift_id
from shifts s
join activities a using (activity_id)
where a.state = 'open' and s.ends_at > $1 and s.cancelled_at is null
  and s.starts_at >= $2 and s.starts_at < coalesce($3::timestamptz, 'infinity')
  and ($5::timestamptz is null or (s.starts_at, s.shift_id) > ($5, $6::uuid))
  and ($8::uuid is null or a.site_id = $8)
  and (a.visibility = 'public' or exists (
      select from team_memberships m where m.team_id = a.team_id and m.volunteer_id = $4 and m.status = 'active'))
  and ($9::text is null or exists (
      select from team_tags join need_tags g using (tag_id) where team_tags.team_id = a.team_id and g.tag = $9))
  and (not $10::boolean or exists (
      select from team_memberships m where m.team_id = a.team_id and m.volunteer_id = $4 and m.status = 'active'))
order by s.starts_at, s.shift_id
limit $7;

-- name: find_shift_views
-- Shifts as a volunteer sees them, earliest first.
select s.shift_id, s.activity_id, a.title, t.name as theme, a.kind, a.place, a.content, a.state, a.site_id,
       si.name as site_name, a.team_id, te.name as team_name, s.starts_at, s.ends_at, s.cancelled_at, s.withdraw_minutes, s.capacity, s.taken,
       list.waiting, g.signup_id, e.entry_id, e.status as entry_status, mine.rank, e.offer_until,
       r.record_id, r.status as record_status, r.started_at as record_started_at, r.ended_at as record_ended_at
from shifts s
join activities a using (activity_id)
join themes t using (theme_id)
join sites si on si.site_id = a.site_id
join teams te on te.team_id = a.team_id
left join signups g on g.shift_id = s.shift_id and g.volunteer_id = $2 and g.status = 'active'
left join lateral (
    select count(*) as waiting, min(w.position) filter (where w.volunteer_id = $2) as own
    from waitlist_entries w where w.shift_id = s.shift_id and w.status in ('waiting', 'offered')
) list on true
left join waitlist_entries e on e.shift_id = s.shift_id and e.position = list.own
left join lateral (
    select count(*) as rank from waitlist_entries w
    where w.shift_id = s.shift_id and w.status in ('waiting', 'offered') and w.position <= list.own
) mine on list.own is not null
left join lateral (
    select record_id, status, started_at, ended_at from attendance_records
    where volunteer_id = $2 and shift_id = s.shift_id and status <> 'void' order by started_at desc limit 1
) r on true
where s.shift_id = any($1::uuid[])
order by s.starts_at, s.shift_id;

-- name: find_shift_secret
-- For the display of the rotating code: the key, and whose shift it is.
select s.secret, s.ends_at, a.state, a.site_id, a.team_id
from shifts s join activities a using (activity_id) where s.shift_id = $1;
