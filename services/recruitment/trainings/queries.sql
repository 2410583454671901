-- name: add_organisation
-- The caller learns of a taken name by the missing row.
insert into organisations (organisation_id, name, level, site_id, created_at) values ($1, $2, $3, $4, $5)
on conflict do nothing returning organisation_id;

-- name: find_organisation
-- By id.
select organisation_id, name, level, site_id, created_at, version, closed_at from organisations where organisation_id = $1;

-- name: list_organisations
-- In order of founding, a page at a time.
select organisation_id, name, level, site_id, created_at, version, closed_at from organisations
where $1::uuid is null or organisation_id > $1 order by organisation_id limit $2;

-- name: add_training
-- A training that is planned.
insert into trainings (training_id, title, mode, site_id, starts_at, ends_at, created_at) values ($1, $2, $3, $4, $5, $6, $7);

-- name: find_training
-- With its sums.
select t.training_id, t.title, t.mode, t.site_id, t.starts_at, t.ends_at, t.created_at, t.version, t.closed_at,
       count(a.organisation_id) filter (where a.people > 0) as organisations, coalesce(sum(a.people), 0)::bigint as people
from trainings t left join training_attendances a using (training_id) where t.training_id = $1 group by t.training_id;

-- name: list_trainings
-- The latest first, a page at a time, with their sums.
select t.training_id, t.title, t.mode, t.site_id, t.starts_at, t.ends_at, t.created_at, t.version, t.closed_at,
       count(a.organisation_id) filter (where a.people > 0) as organisations, coalesce(sum(a.people), 0)::bigint as people
from trainings t left join training_attendances a using (training_id)
where $1::timestamptz is null or (t.starts_at, t.training_id) < ($1, $2::uuid)
group by t.training_id order by t.starts_at desc, t.training_id desc limit $3;

-- name: attendances_of
-- The attendance of a training, by the organisation's name.
select a.organisation_id, o.name, a.people, a.recorded_at from training_attendances a join organisations o using (organisation_id)
where a.training_id = $1 order by o.name, a.organisation_id;

-- name: put_attendance
-- Written again, it is corrected.
insert into training_attendances (training_id, organisation_id, people, recorded_by, recorded_at)
values ($1, $2, $3, $4, $5)
on conflict (training_id, organisation_id) do update
set people = excluded.people, recorded_by = excluded.recorded_by, recorded_at = excluded.recorded_at;
