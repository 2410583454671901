-- name: keep_signups
-- Places that were taken, each once.
insert into integrity_signups (signup_id, shift_id, volunteer_id, source, placed_at, opened_at, places, starts_at)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::int[],
                     $8::timestamptz[]) on conflict do nothing;

-- name: keep_drives
-- Drives, each once.
insert into integrity_drives (drive_id, site_id, ends_at)
select * from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) on conflict do nothing;

-- name: keep_registrations
-- Whom a drive registered, each once.
insert into integrity_registrations (volunteer_id, drive_id, registered_at)
select * from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) on conflict do nothing;

-- name: keep_approvals
-- What was approved, each revision once.
insert into integrity_approvals (record_id, revision, volunteer_id, recorded_by, decided_by, site_id, day)
select * from unnest($1::uuid[], $2::int[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::date[])
on conflict do nothing;

-- name: approvals_within
-- All approvals between two accounts, either way, in a time.
select batch.since, a.recorded_by, a.decided_by, a.record_id, a.volunteer_id, a.site_id
from unnest($1::uuid[], $2::uuid[], $3::date[], $4::date[]) as batch (one, other, since, until)
join integrity_approvals a on a.day >= batch.since and a.day < batch.until
 and (a.recorded_by = batch.one and a.decided_by = batch.other or a.recorded_by = batch.other and a.decided_by = batch.one);

-- name: quick_shifts
-- The places of shifts that began in a time ($1 to $2) and of which $4 or more were taken within so many minutes ($3).
select s.shift_id, s.starts_at, s.opened_at, s.places, s.volunteer_id, s.placed_at, s.source
from integrity_signups s
where s.opened_at is not null and s.places is not null and s.shift_id in (
    select shift_id from integrity_signups
    where starts_at >= $1 and starts_at < $2 and placed_at - opened_at <= interval '1 hour'
      and placed_at - opened_at <= make_interval(mins => $3)
    group by shift_id having count(distinct volunteer_id) >= $4
)
order by s.shift_id, s.opened_at desc;

-- name: served_in
-- What these volunteers served in a shift.
select r.record_id, r.volunteer_id, r.site_id
from unnest($2::uuid[]) as batch (volunteer_id) join records r using (volunteer_id)
where r.shift_id = $1 and r.day between $3::date and $3::date + 1 and r.status <> 'void';

-- name: unsigned
-- Records of recorders in a time whose volunteers had not signed up for the shift before they came.
select distinct split_part(a.place, '|', 3) as recorder, split_part(a.place, '|', 2) as class, r.record_id, r.volunteer_id, r.site_id
from integrity_acts a join records r using (record_id)
where a.at >= $1 and a.at < $2 and a.place like 'burst|%'
  and r.shift_id is not null and r.status <> 'void' and r.provenance in ('kiosk', 'leader', 'backfilled')
  and not exists (select from integrity_signups s where s.shift_id = r.shift_id and s.volunteer_id = r.volunteer_id
                                                    and s.placed_at <= r.started_at);

-- name: pickups
-- Rewards that were handed over in a time and had been redeemed on a phone.
select device_ref, redemption_id, volunteer_id, site_id from redemption
where status = 'captured' and device_ref is not null and settled_at >= $1 and settled_at < $2;

-- name: drives_over
-- Drives that were over in a time, whom each registered, and who of them has served since.
select d.drive_id, d.site_id, d.ends_at, r.volunteer_id,
       exists (select from records s where s.volunteer_id = r.volunteer_id and s.status = 'confirmed' and s.minutes > 0
                                       and s.provenance <> 'imported') as served
from integrity_drives d join integrity_registrations r using (drive_id)
where d.ends_at >= $1 and d.ends_at < $2
order by d.drive_id;

-- name: forget_signups
-- Places in shifts that are over for so long that nothing is found on them any more.
delete from integrity_signups where starts_at < $1;

-- name: forget_approvals
-- The same for approvals.
delete from integrity_approvals where day < $1;

-- name: forget_registrations
-- The same for whom drives registered.
delete from integrity_registrations where registered_at < $1;
