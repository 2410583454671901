-- name: get
-- What a volunteer chose, if anything.
select email, quiet_from, quiet_to from preferences where volunteer_id = $1;

-- name: ensure
-- A row to lock, so that two changes of different fields at once both hold.
insert into preferences (volunteer_id, email, quiet_from, quiet_to, updated_at)
values ($1, $2, $3, $4, $5) on conflict (volunteer_id) do nothing;

-- name: lock
-- In a statement of its own, before the row is read.
select 1 from preferences where volunteer_id = $1 for update;

-- name: put
-- The whole choice at once.
insert into preferences (volunteer_id, email, quiet_from, quiet_to, updated_at)
values ($1, $2, $3, $4, $5)
on conflict (volunteer_id) do update
set email = excluded.email, quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to, updated_at = excluded.updated_at;

-- name: of_many
-- The choices of those among these volunteers who made any.
select volunteer_id, email, quiet_from, quiet_to from preferences where volunteer_id = any($1::uuid[]);
