-- name: factor
-- Locked, so that one code is not taken twice side by side.
select wrapped_key, sealed, confirmed_at is not null as confirmed, last_step
from staff_second_factors where staff_id = $1 for update;

-- name: is_set
-- Whether a second factor is asked for at sign-in.
select exists (select from staff_second_factors where staff_id = $1 and confirmed_at is not null);

-- name: put_factor
-- A secret that was never confirmed is replaced; a confirmed one is removed first.
insert into staff_second_factors (staff_id, wrapped_key, sealed, created_at) values ($1, $2, $3, $4)
on conflict (staff_id) do update set wrapped_key = $2, sealed = $3, created_at = $4, last_step = 0
where staff_second_factors.confirmed_at is null
returning staff_id;

-- name: confirm_factor
-- A first code proved it.
update staff_second_factors set confirmed_at = coalesce(confirmed_at, $2), last_step = $3 where staff_id = $1;

-- name: remove_factor
-- Recovery codes go with it.
delete from staff_second_factors where staff_id = $1;

-- name: forget_recovery_codes
-- Before new ones are made.
delete from staff_recovery_codes where staff_id = $1;

-- name: add_recovery_codes
-- Hashes only.
insert into staff_recovery_codes (staff_id, code_hash) select $1, unnest($2::bytea[]);

-- name: use_recovery_code
-- Each is good once.
update staff_recovery_codes set used_at = $3 where staff_id = $1 and code_hash = $2 and used_at is null
returning staff_id;

-- name: recovery_codes_left
-- Shown to the holder.
select count(*) from staff_recovery_codes where staff_id = $1 and used_at is null;

-- name: add_step
-- The password was right.
insert into sign_in_steps (step_id, staff_id, binding, created_at, expires_at) values ($1, $2, $3, $4, $5);

-- name: spend_step
-- Counted, and committed, before the code is checked.
update sign_in_steps set attempts = attempts + 1 where step_id = $1 and used_at is null and expires_at > $2
returning staff_id;

-- name: use_step
-- Taken once, by the browser that gave the password.
update sign_in_steps set used_at = $3
where step_id = $1 and used_at is null and expires_at > $3 and binding is not distinct from $2 and attempts <= $4
returning staff_id;

-- name: purge_steps
-- By-products: gone within a day.
delete from sign_in_steps where expires_at < $1;
