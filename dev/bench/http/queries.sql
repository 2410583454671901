-- name: volunteers
-- Imported volunteers in the order of their ids.
select volunteer_id from recruitment.volunteers where source = 'import' order by volunteer_id;

-- name: agree
-- The consent of imported volunteers, whose claims of their accounts are not measured.
insert into recruitment.consents (volunteer_id, version, accepted_at, guardian)
select id, $2, clock_timestamp(), false from unnest($1::uuid[]) as id
on conflict do nothing;  -- the small district's own have agreed

-- name: sign_up
-- Places of a shift for these volunteers.
insert into recruitment.signups (signup_id, shift_id, volunteer_id, status, source, placed_by, placed_at)
select gen_random_uuid(), $1, id, 'active', 'self', id, clock_timestamp() from unnest($2::uuid[]) as id;

-- name: count_places
-- As many as signed up.
update recruitment.shifts set taken = (select count(*) from recruitment.signups where shift_id = $1) where shift_id = $1;

-- name: secrets
-- The keys of the rotating codes.
select shift_id, secret from recruitment.shifts where shift_id = any($1::uuid[]);

-- name: checked_in
-- How many records these shifts have.
select count(*) from recruitment.attendance_records where shift_id = any($1::uuid[]);
