-- name: put_visibility
-- What the volunteer said last.
insert into visibility (volunteer_id, volunteer_number, shown, changed_at) values ($1, $2, $3, $4)
on conflict (volunteer_id) do update
set volunteer_number = excluded.volunteer_number, shown = excluded.shown, changed_at = excluded.changed_at;

-- name: shown
-- Whether they agreed; without an answer, no.
select shown from visibility where volunteer_id = $1;

-- name: leaders
-- Those who agreed, by what they served in the period; each is found by the index on (volunteer_id, day). Equal service is
-- an equal rank.
select rank() over (order by sum(r.minutes) desc)::int as rank, v.volunteer_number, sum(r.minutes)::bigint as minutes,
       count(*) as records
from visibility v
join records r on r.volunteer_id = v.volunteer_id and r.day between $1 and $2
where v.shown and r.status = 'confirmed' and r.provenance in ('scanned', 'kiosk', 'leader')
  and ($3::uuid is null or r.site_id = $3) and ($4::uuid is null or r.team_id = $4)
group by v.volunteer_id, v.volunteer_number
order by minutes desc, v.volunteer_number limit $5;
