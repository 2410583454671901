-- name: site_exists
-- A device stands at a site.
select exists (select from sites where site_id = $1);

-- name: insert_device
-- A kiosk or a leader's phone, with the secret that it signs with.
insert into devices (device_id, name, site_id, secret_key, sealed_secret, registered_by, registered_at)
values ($1, $2, $3, $4, $5, $6, $7);

-- name: lock_sealing
-- One process at a time seals what lies in plain text; a process that waited finds nothing left.
select pg_advisory_xact_lock(hashtext('recruitment/device-secrets'));

-- name: plain_secrets
-- Secrets of before they were sealed.
select device_id, secret from devices where secret is not null order by device_id limit $1 for no key update;

-- name: seal_secrets
-- The plain secret goes in the statement that keeps the sealed one.
update devices set secret = null, secret_key = sealed.wrapped_key, sealed_secret = sealed.secret
from unnest($1::uuid[], $2::bytea[], $3::bytea[]) as sealed (device_id, wrapped_key, secret)
where devices.device_id = sealed.device_id;

-- name: last_uploads
-- When each of these devices last uploaded something.
select device_id, max(uploaded_at) as last_upload_at from attendance_uploads where device_id = any($1::uuid[]) group by device_id;

-- name: list_devices
-- Newest first by keyset; never with a secret. A null list of sites means all.
select device_id, name, site_id, registered_by, registered_at, revoked_at
from devices
where ($1::uuid[] is null or site_id = any($1)) and ($2::uuid is null or device_id < $2)
order by device_id desc limit $3;

-- name: revoke_device
-- Lost or broken: nothing that it signs counts from now on.
update devices set revoked_at = coalesce(revoked_at, $2) where device_id = $1
returning device_id, name, site_id, registered_by, registered_at, revoked_at;

-- name: lock_device
-- Batches of one device go one after the other, so that an upload id is new once.
select device_id from devices where device_id = $1 for no key update;

-- name: find_device
-- The device, its secret, its site with everything under it, and the volunteer that the registrant is too.
with recursive subtree as (
    select s.site_id from sites s join devices d using (site_id) where d.device_id = $1
    union all
    select s.site_id from sites s join subtree on s.parent_id = subtree.site_id
)
select d.device_id, d.name, d.site_id, d.secret_key, d.sealed_secret, d.revoked_at, d.registered_at, d.last_sequence, d.sequence_gap_at,
       coalesce(s.volunteer_id, (select v.volunteer_id from volunteers v where v.person_id = s.person_id)) as owner_volunteer_id, array(select site_id from subtree) as sites
from devices d left join staff s on s.staff_id = d.registered_by where d.device_id = $1;

-- name: save_sequence
-- The number of the device's last upload, and when one was last found missing; the device is locked.
update devices set last_sequence = $2, sequence_gap_at = $3 where device_id = $1;

-- name: find_people
-- Whom the numbers of a batch stand for, since when, and by which drive; read without a lock to learn whom to lock, and
-- none of it ever changes.
select v.volunteer_number, v.volunteer_id, v.drive_id, v.registered_at, d.site_id as drive_site,
       d.starts_at as drive_starts, d.ends_at as drive_ends
from volunteers v left join drives d using (drive_id) where v.volunteer_number = any($1::text[]);

-- name: known_uploads
-- What this device has uploaded before under these ids.
select upload_id, content_hash, record_id from attendance_uploads where device_id = $1 and upload_id = any($2::text[]);

-- name: disputed_between
-- Times of these volunteers' records that they denied or another site rejected, at any revision, and that no other site has
-- approved since.
select r.volunteer_id, v.started_at, v.ended_at
from attendance_records r join attendance_revisions v using (record_id)
where r.volunteer_id = any($1::uuid[]) and r.status <> 'confirmed'
  and r.started_at > $2::timestamptz - interval '2 days' and r.started_at < $3::timestamptz + interval '2 days'
  and v.started_at < $3 and v.ended_at > $2
  and exists (select from attendance_approvals a
              where a.record_id = r.record_id
                and (a.state = 'rejected' and a.overtime_minutes = 0 or 'denied' = any(a.reasons)));

-- name: insert_uploads
-- What is known from now on.
insert into attendance_uploads (device_id, upload_id, content_hash, record_id, uploaded_at)
select $1, upload_id, content_hash, record_id, $5
from unnest($2::text[], $3::bytea[], $4::uuid[]) as upload (upload_id, content_hash, record_id);

-- name: active_signups
-- Which volunteers of a batch have a place in which of its shifts.
select volunteer_id, shift_id from signups
where volunteer_id = any($1::uuid[]) and shift_id = any($2::uuid[]) and status = 'active';

-- name: lock_shifts
-- Places that walk-ins will take, in the order of the shifts' ids.
select shift_id from shifts where shift_id = any($1::uuid[]) order by shift_id for no key update;

-- name: insert_walk_ins
-- Places taken by coming, and the shifts' counts, in one statement; the constraint on the count cannot be passed.
with placed as (
    insert into signups (signup_id, shift_id, volunteer_id, status, source, placed_by, placed_at)
    select signup_id, shift_id, volunteer_id, 'active', 'walk_in', volunteer_id, $4
    from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as walk_in (signup_id, shift_id, volunteer_id)
    returning shift_id
), added as (
    select shift_id, count(*)::integer as places from placed group by shift_id
)
update shifts set taken = taken + added.places from added where shifts.shift_id = added.shift_id;
