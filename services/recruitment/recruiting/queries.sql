-- name: add_drive
-- A code that is taken inserts nothing, and another one is drawn.
insert into drives (drive_id, code, name, place_kind, place, site_id, starts_at, ends_at, opened_by, opened_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (code) do nothing returning drive_id;

-- name: drive
-- By id.
select drive_id, code, name, place_kind, place, site_id, starts_at, ends_at, opened_at, version, closed_at from drives
where drive_id = $1;

-- name: drive_by_code
-- By what stands on the poster.
select drive_id, code, name, place_kind, place, site_id, starts_at, ends_at, opened_at, version, closed_at from drives
where code = $1;

-- name: list_drives
-- In order of opening, a page at a time, within the caller's sites (none: all).
select drive_id, code, name, place_kind, place, site_id, starts_at, ends_at, opened_at, version, closed_at from drives
where ($1::uuid is null or drive_id > $1) and ($2::uuid[] is null or site_id = any($2))
order by drive_id limit $3;

-- name: funnels
-- Distinct people in each place: only those whom the drive itself brought, whatever shift they attended.
select drive.drive_id,
       count(volunteer.volunteer_id) as registered,
       count(volunteer.volunteer_id) filter (where exists (
           select from signups where signups.volunteer_id = volunteer.volunteer_id
       )) as signed_up,
       count(volunteer.volunteer_id) filter (where exists (
           select from attendance_records record
           where record.volunteer_id = volunteer.volunteer_id and record.status <> 'void'
       )) as checked_in,
       count(volunteer.volunteer_id) filter (where exists (
           select from attendance_records record
           where record.volunteer_id = volunteer.volunteer_id and record.status = 'confirmed'
       )) as served
from drives drive left join volunteers volunteer on volunteer.drive_id = drive.drive_id
where drive.drive_id = any($1::uuid[])
group by drive.drive_id;

-- name: add_appeal
-- A code that is taken inserts nothing, and another one is drawn.
insert into appeals (appeal_id, code, title, channel, body, published_by, published_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (code) do nothing returning appeal_id;

-- name: appeal_by_code
-- By what stands in the article.
select appeal_id, code, title, channel, body, published_at, version, closed_at from appeals where code = $1;

-- name: appeal
-- By id.
select appeal_id, code, title, channel, body, published_at, version, closed_at from appeals where appeal_id = $1;

-- name: list_appeals
-- In order of publication, a page at a time, with the number of people who registered through each.
select appeal_id, code, title, channel, body, published_at, version, closed_at,
       (select count(*) from volunteers where volunteers.appeal_id = appeals.appeal_id) as registered
from appeals where $1::uuid is null or appeal_id > $1 order by appeal_id limit $2;
