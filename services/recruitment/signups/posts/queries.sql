-- name: list_posts
-- The open posts of a shift with how many are assigned; the shift is locked where that decides.
select p.post_id, p.name, p.capacity, count(g.signup_id)::integer as taken
from shift_posts p
left join signup_posts a using (post_id)
left join signups g on g.signup_id = a.signup_id and g.status = 'active'
where p.shift_id = $1 and p.ended_at is null
group by p.post_id order by p.position, p.post_id;

-- name: save_posts
-- The posts of a shift as a whole; one that is there keeps its id and its people.
insert into shift_posts (post_id, shift_id, name, capacity, position)
select post_id, $1, name, capacity, position
from unnest($2::uuid[], $3::text[], $4::integer[], $5::integer[]) as post (post_id, name, capacity, position)
on conflict (post_id) do update
set name = excluded.name, capacity = excluded.capacity, position = excluded.position;

-- name: end_posts
-- Posts that are no longer there; old sign-ups still name them.
update shift_posts set ended_at = $3 where shift_id = $1 and ended_at is null and not post_id = any($2::uuid[]);

-- name: release
-- One post at a time for each sign-up.
delete from signup_posts where signup_id = $1;

-- name: assign
-- The post of a sign-up.
insert into signup_posts (signup_id, post_id) values ($1, $2);

-- name: assigned
-- Who is assigned to which post, for the roster and for oneself.
select g.volunteer_id, a.post_id
from signup_posts a join signups g using (signup_id)
where g.shift_id = $1 and g.status = 'active';
