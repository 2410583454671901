-- name: lock_asserter
-- One person's assertions go one after the other, after the volunteers' locks, so that two at once cannot pass a cap. Their
-- accounts as staff and as leader share the lock.
select pg_advisory_xact_lock(hashtextextended('assertions/' || coalesce(
    (select coalesce(v.person_id, s.person_id) from staff s left join volunteers v using (volunteer_id) where s.staff_id = $1::uuid),
    (select person_id from volunteers where volunteer_id = $1), $1)::text, 0));

-- name: spent
-- What the person behind an account has asserted for these days, as staff and as leader, by volunteer: the sums that the
-- caps bound.
with person as (
    select coalesce(
        (select coalesce(v.person_id, s.person_id) from staff s left join volunteers v using (volunteer_id) where s.staff_id = $1),
        (select person_id from volunteers where volunteer_id = $1)) as person_id
), own as (
    select $1::uuid as account_id
    union select volunteer_id from volunteers join person using (person_id)
    union select s.staff_id from staff s left join volunteers v using (volunteer_id), person p
          where p.person_id in (s.person_id, v.person_id)
)
select day, volunteer_id, sum(minutes)::integer as minutes
from attendance_assertions where asserter_id in (select account_id from own) and day = any($2::date[])
group by day, volunteer_id;

-- name: insert_assertions
-- Minutes that count at once on one account's word.
insert into attendance_assertions (record_id, kind, asserter_id, volunteer_id, day, minutes, asserted_at)
select record_id, kind, $1, volunteer_id, day, minutes, $7
from unnest($2::uuid[], $3::text[], $4::uuid[], $5::date[], $6::integer[])
    as assertion (record_id, kind, volunteer_id, day, minutes);

-- name: open_approvals
-- Records that wait, each with every account that had a hand in it so far, and $5 who asks now. A record that waits
-- already waits for one reason more.
insert into attendance_approvals (approval_id, record_id, volunteer_id, reasons, claimant_ids, claimant_sites, site_id,
                                  first_recorded_at, overtime_minutes, opened_at, lapses_at)
select opened.approval_id, r.record_id, r.volunteer_id, string_to_array(opened.reasons, ','), c.ids, c.sites, r.site_id,
       coalesce(c.first_recorded_at, $6), opened.overtime_minutes, $6, $7
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::integer[]) as opened (approval_id, record_id, reasons, overtime_minutes)
join attendance_records r using (record_id)
cross join lateral (
    select coalesce(array_agg(distinct made_by) filter (where made_by is not null), '{}') as ids, min(recorded_at) as first_recorded_at,
           coalesce(array_agg(distinct coalesce(
               case when st.staff_id is not null then coalesce(st.site_id, (select site_id from sites where kind = 'centre')) end,
               (select site_id from teams t where t.team_id = r.team_id), r.recorder_site_id, r.site_id
           )) filter (where made_by is not null), '{}') as sites
    from (
        select made_by, min(recorded_at) as recorded_at from attendance_revisions v
        where v.record_id = r.record_id and v.made_by <> r.volunteer_id group by made_by
        union all
        select $5::uuid, $6::timestamptz where $5::uuid is not null
        union all
        select unnest(p.claimant_ids), p.opened_at from attendance_approvals p where p.record_id = r.record_id
        union all
        select null, min(recorded_at) from attendance_revisions v where v.record_id = r.record_id
    ) hand left join staff st on st.staff_id = hand.made_by
) c
on conflict (record_id) where state = 'open' do update
set reasons = (select array_agg(distinct reason) from unnest(attendance_approvals.reasons || excluded.reasons) as reason),
    claimant_ids = excluded.claimant_ids, claimant_sites = excluded.claimant_sites;

-- name: withdraw_overtime
-- Overtime that waits falls with a denial of its record.
update attendance_approvals set state = 'withdrawn', decided_at = $2, decided_by = $3
where record_id = $1 and state = 'open' and overtime_minutes > 0;

-- name: last_state
-- What became of a record's last approval: a record that waited in vain is not confirmed inside its own site.
select state from attendance_approvals where record_id = $1 order by opened_at desc, approval_id desc limit 1;

-- name: last_assertion
-- When another account last said that a record is so, which is when the time for denying it begins.
select max(recorded_at) from attendance_revisions
where record_id = $1 and made_by <> volunteer_id and change not in ('void', 'reject');

-- name: find_known
-- Since when a volunteer is registered, and by which drive: reasons to wait.
select v.registered_at, d.site_id as drive_site, d.starts_at as drive_starts, d.ends_at as drive_ends
from volunteers v left join drives d using (drive_id) where v.volunteer_id = $1;

-- name: find_volunteers
-- Whom to lock before deciding on these records.
select distinct volunteer_id from attendance_approvals where record_id = any($1::uuid[]);

-- name: find_claims
-- The last approval of each of these records, and who had a hand in it; read under the volunteers' locks.
select distinct on (a.record_id) a.approval_id, a.record_id, a.volunteer_id, a.reasons, a.claimant_ids, a.claimant_sites,
       a.site_id, a.first_recorded_at, a.overtime_minutes, a.lapses_at, a.state,
       array(select s.person_id from staff s where s.staff_id = any(a.claimant_ids)
             union select s.volunteer_id from staff s where s.staff_id = any(a.claimant_ids) and s.volunteer_id is not null
             union select v.person_id from volunteers v where v.volunteer_id = any(a.claimant_ids)) as claimant_persons
from attendance_approvals a
where a.record_id = any($1::uuid[])
order by a.record_id, a.opened_at desc, a.approval_id desc;

-- name: find_decider
-- The account that wants to decide: its age, its makers, its home (the centre's own when it has none) and the sites above
-- and below it.
with recursive home as (
    select s.staff_id, s.person_id, case when s.origin <> 'bootstrap' then s.created_at end as since,
           array_remove(array[s.created_by, s.activated_by, s.reset_by], null) as makers,
           coalesce(s.volunteer_id, (select v.volunteer_id from volunteers v where v.person_id = s.person_id)) as volunteer_id,
           coalesce(s.site_id, (select site_id from sites where kind = 'centre')) as site_id
    from staff s where s.staff_id = $1 and s.active
), above as (
    select p.site_id, p.parent_id from sites h join sites p on p.site_id = h.parent_id join home on home.site_id = h.site_id
    union all
    select p.site_id, p.parent_id from sites p join above on above.parent_id = p.site_id
), below as (
    select site_id from home
    union all
    select c.site_id from sites c join below on c.parent_id = below.site_id
)
select home.person_id, home.volunteer_id, home.since, home.makers, home.site_id, sites.kind,
       array(select site_id from above) as above, array(select site_id from below) as below,
       (select site_id from sites where kind = 'centre') as centre
from home join sites using (site_id);

-- name: list_decidable
-- What waits and the caller may decide, oldest first by keyset; the conditions are those of the domain's `may_decide`.
select a.approval_id, a.record_id, a.reasons, a.overtime_minutes, a.opened_at, a.lapses_at, a.state, a.decided_at,
       a.decision_reason, r.revision, v.volunteer_number, r.provenance, r.status, r.started_at, r.ended_at, r.minutes,
       r.recorded_by, r.activity_id, r.drive_id, ac.title as activity_title, d.name as drive_name, si.name as site_name, te.name as team_name,
       array(select s.name from sites s where s.site_id = any(a.claimant_sites) order by s.name) as recorder_sites,
       exists (select from attendance_evidence e where e.record_id = a.record_id) as has_evidence
from attendance_approvals a
join attendance_records r using (record_id)
join volunteers v on v.volunteer_id = a.volunteer_id
left join activities ac on ac.activity_id = r.activity_id
left join drives d on d.drive_id = r.drive_id
left join sites si on si.site_id = r.site_id
left join teams te on te.team_id = r.team_id
where a.state = 'open' and a.lapses_at > $1
  and not (a.claimant_sites && $2::uuid[])
  and (not $3::uuid = any(a.claimant_sites)
       or ($4::boolean and (a.site_id is null or a.site_id = $3 or a.site_id = any($5::uuid[]))))
  and ($6::timestamptz is null or a.first_recorded_at >= $6)
  and not (a.claimant_ids && $7::uuid[])
  and a.volunteer_id is distinct from $8
  and not exists (select from staff s where s.staff_id = any(a.claimant_ids) and (s.volunteer_id = $8 or s.person_id = $13))
  and not exists (select from volunteers p where p.volunteer_id = any(a.claimant_ids) and p.person_id = $13)
  and ($9::uuid is null or r.drive_id = $9)
  and ($14::uuid is null or r.activity_id = $14)
  and ($10::timestamptz is null or (a.opened_at, a.approval_id) > ($10, $11::uuid))
order by a.opened_at, a.approval_id limit $12;

-- name: list_recorded
-- What the caller's own sites, or the caller, recorded and wait for, or got decided, newest first by keyset. A null list of
-- sites means all.
select a.approval_id, a.record_id, a.reasons, a.overtime_minutes, a.opened_at, a.lapses_at, a.state, a.decided_at,
       a.decision_reason, r.revision, v.volunteer_number, r.provenance, r.status, r.started_at, r.ended_at, r.minutes,
       r.recorded_by, r.activity_id, r.drive_id, ac.title as activity_title, d.name as drive_name, si.name as site_name, te.name as team_name,
       array(select s.name from sites s where s.site_id = any(a.claimant_sites) order by s.name) as recorder_sites,
       exists (select from attendance_evidence e where e.record_id = a.record_id) as has_evidence
from attendance_approvals a
join attendance_records r using (record_id)
join volunteers v on v.volunteer_id = a.volunteer_id
left join activities ac on ac.activity_id = r.activity_id
left join drives d on d.drive_id = r.drive_id
left join sites si on si.site_id = r.site_id
left join teams te on te.team_id = r.team_id
where ($1::uuid[] is null or r.site_id = any($1) or a.claimant_sites && $1 or $6::uuid = any(a.claimant_ids))
  and ($2::uuid is null or r.drive_id = $2)
  and ($7::uuid is null or r.activity_id = $7)
  and ($3::timestamptz is null or (a.opened_at, a.approval_id) < ($3, $4::uuid))
order by a.opened_at desc, a.approval_id desc limit $5;

-- name: close_approvals
-- The decision, once: a row that was decided meanwhile is not changed.
update attendance_approvals set state = $2, decided_by = $3, decided_at = $4, decision_reason = $5
where approval_id = any($1::uuid[]) and state = 'open'
returning approval_id;

-- name: due_volunteers
-- Whose approvals have lapsed; a bounded batch, read without a lock and checked again.
select distinct volunteer_id from attendance_approvals
where state = 'open' and lapses_at <= $1 order by volunteer_id limit $2;

-- name: lapse
-- What another site did not decide in time never counts; the volunteers are locked.
update attendance_approvals set state = 'lapsed', decided_at = $2
where volunteer_id = any($1::uuid[]) and state = 'open' and lapses_at <= $2
returning record_id, reasons, overtime_minutes;

-- name: nearest_deciders
-- Records that wait, by the nearest site at or above the activity's that had no hand in them and has staff; the centre's staff
-- have no site too. No site where there is none.
with recursive waiting as (
    select a.record_id, a.claimant_ids, a.claimant_sites,
           coalesce(a.site_id, (select site_id from sites where kind = 'centre')) as site_id
    from attendance_approvals a where a.record_id = any($1::uuid[]) and a.state = 'open'
), above (record_id, site_id, parent_id, height) as (
    select w.record_id, s.site_id, s.parent_id, 0 from waiting w join sites s using (site_id)
    union all
    select above.record_id, s.site_id, s.parent_id, above.height + 1 from above join sites s on s.site_id = above.parent_id
), deciding as (
    select distinct on (w.record_id) w.record_id, b.site_id, b.staff_ids
    from waiting w left join lateral (
        select above.site_id, above.height, array_agg(st.staff_id order by st.staff_id) as staff_ids
        from above join staff st on st.site_id = above.site_id
            or st.site_id is null and above.site_id = (select site_id from sites where kind = 'centre')
        where above.record_id = w.record_id and not above.site_id = any(w.claimant_sites)
          and st.active and st.role in ('station', 'operator') and not st.staff_id = any(w.claimant_ids)
        group by above.site_id, above.height
    ) b on true
    order by w.record_id, b.height
)
select site_id, array_agg(record_id order by record_id) as record_ids, coalesce(staff_ids, '{}') as staff_ids
from deciding group by site_id, staff_ids order by 1, 2;

-- name: cases_of
-- Cases that proposed to void some of these records, and who settled each.
select case_id, settled_by, array_agg(record_id order by record_id) as record_ids
from suspicions where record_id = any($1::uuid[]) group by case_id, settled_by order by case_id;
