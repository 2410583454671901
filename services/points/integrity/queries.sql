-- name: install_version
-- What the service ships is in the table from its first start on; a version already there stays as it is.
insert into threshold_versions (version, name, effective_from, document, content_hash)
values ($1, $2, $3, $4::jsonb, $5) on conflict (version) do nothing;

-- name: all_versions
-- All versions; which one holds follows from the day.
select version, document, content_hash from threshold_versions order by version;

-- name: claim_marks
-- Marks that no other process holds, the oldest first; $3: this one only. They stay locked to the end of the transaction.
select mark_id, record_ids, entered from record_marks
where entered = $1 and ($3::bigint = mark_id or $3::bigint is null and due_at <= clock_timestamp())
order by mark_id limit $2 for update skip locked;

-- name: marks_entered
-- The acts of these marks are entered.
update record_marks set entered = true where mark_id = any($1::bigint[]);

-- name: forget_marks
-- These marks are followed up.
delete from record_marks where mark_id = any($1::bigint[]);

-- name: postpone_mark
-- A mark that failed comes again after a minute, then after two, at most after an hour.
update record_marks set attempts = attempts + 1, due_at = clock_timestamp() + least(attempts + 1, 60) * interval '1 minute'
where mark_id = $1;

-- name: revisions
-- Every revision of these records, those that stand and those that were superseded.
select record_id, revision, volunteer_id, site_id, provenance, status, closed_by, started_at, ended_at, minutes, recorded_by,
       device_ref, coalesce(emitted_at, received_at) as emitted_at
from records where record_id = any($1::uuid[])
union all
select s.record_id, s.revision, s.volunteer_id, c.site_id, c.provenance, c.status, c.closed_by, c.started_at, c.ended_at,
       c.minutes, c.recorded_by, c.device_ref, coalesce(c.emitted_at, c.received_at, s.superseded_at)
from superseded_revisions s, jsonb_to_record(s.content) as c (
    site_id uuid, provenance text, status text, closed_by text, started_at timestamptz, ended_at timestamptz, minutes int,
    recorded_by uuid, device_ref text, emitted_at timestamptz, received_at timestamptz
)
where s.record_id = any($1::uuid[]);

-- name: standing_records
-- The records of these volunteers that begin on these days, as they stand.
select r.record_id, r.revision, r.volunteer_id, r.site_id, r.provenance, r.status, r.closed_by, r.started_at, r.ended_at,
       r.minutes, r.recorded_by, r.device_ref, coalesce(r.emitted_at, r.received_at) as emitted_at
from unnest($1::uuid[], $2::date[], $3::date[]) as batch (volunteer_id, first, last)
join records r on r.volunteer_id = batch.volunteer_id and r.day between batch.first and batch.last;

-- name: insert_acts
-- Acts, each once.
insert into integrity_acts (place, at, record_id, volunteer_id, site_id)
select * from unnest($1::text[], $2::timestamptz[], $3::uuid[], $4::uuid[], $5::uuid[]) on conflict do nothing;

-- name: acts_within
-- What happened at these places in these times.
select a.place, a.record_id, a.volunteer_id, a.site_id, a.at
from unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) as batch (place, since, until)
join integrity_acts a on a.place = batch.place and a.at >= batch.since and a.at < batch.until;

-- name: forget_acts
-- Acts of days that are over for so long that nothing is found on them any more.
delete from integrity_acts where at < $1;

-- name: correlations
-- What the revisions that stand belong to.
select record_id, correlation_id from records where record_id = any($1::uuid[]);

-- name: cases_alone
-- The locks of cases, whether they exist or not, in the order given; taken before those of their volunteers, by code that
-- opens, widens or settles them.
select pg_advisory_xact_lock(hashtext('points/case'), hashtext(id))
from unnest($1::text[]) with ordinality as batch (id, place) order by place;

-- name: chains
-- These cases with their sequels, in order, and how they stand.
select coalesce(first_case_id, case_id) as first, case_id, status from cases
where case_id = any($1::uuid[]) or first_case_id = any($1::uuid[]) order by sequel;

-- name: flags_known
-- Which of these records these cases are about already.
select record_id, case_id from record_flags where case_id = any($1::uuid[]) and record_id = any($2::uuid[]);

-- name: owners
-- Whose records these are at their highest revision, where points has seen them.
select record_id, volunteer_id from records where record_id = any($1::uuid[]);

-- name: insert_cases
-- Opened once. The sites of each are joined by blanks.
insert into cases (case_id, first_case_id, sequel, kind, subject_kind, subject, site_ids, evidence, thresholds_version,
                   opened_at, correlation_id)
select case_id, first_case_id, sequel, kind, subject_kind, subject, string_to_array(sites, ' ')::uuid[],
       evidence::jsonb, thresholds_version, $11, coalesce(correlation_id, case_id::text)
from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int[],
            $10::text[])
    as batch (case_id, first_case_id, sequel, kind, subject_kind, subject, sites, evidence, thresholds_version,
              correlation_id);

-- name: widen_cases
-- Further records may lie at further sites; those of each case are joined by blanks.
update cases c set site_ids = (
    select array_agg(distinct site order by site)
    from unnest(c.site_ids || string_to_array(batch.sites, ' ')::uuid[]) as s (site)
)
from unnest($1::uuid[], $2::text[]) as batch (case_id, sites)
where c.case_id = batch.case_id and not c.site_ids @> string_to_array(batch.sites, ' ')::uuid[];

-- name: insert_flags
-- Records that a case is about; under the locks of their volunteers.
insert into record_flags (record_id, volunteer_id, case_id, kind)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]);

-- name: volunteers_of_case
-- Whose records a case is about, sorted.
select distinct volunteer_id from record_flags where case_id = $1 order by volunteer_id;

-- name: recorded_by
-- Did one of these record a record of the case, as it stands or at a revision before?
select exists (select from record_flags f join records r using (record_id)
               where f.case_id = $1 and r.recorded_by = any($2::uuid[]))
    or exists (select from record_flags f join superseded_revisions s using (record_id)
               where f.case_id = $1 and (s.content ->> 'recorded_by')::uuid = any($2::uuid[]));

-- name: settle_case
-- Decided once.
update cases set status = $2, settled_by = $3, settled_at = $4, reason = $5
where case_id = $1 and status = 'open' returning case_id;

-- name: lower_flags
-- A cleared case says nothing of its records any more.
update record_flags set standing = false, changed_in = pg_current_xact_id() where case_id = $1 and standing;

-- name: records_of_ids
-- The records themselves, whole; read after the locks.
select record_id, revision, content_hash, volunteer_id, day, status, provenance, kind, theme, closed_by, approval_level,
       started_at, ended_at, minutes, planned_minutes, activity_id, shift_id, site_id, team_id, drive_id, recorded_by,
       recorder_site_id, device_ref, distance_m, event_id, correlation_id
from records where record_id = any($1::uuid[]) order by record_id;

-- name: find_case
-- One case, for reading.
select c.case_id, c.kind, c.subject_kind, c.subject, c.site_ids, c.evidence, c.thresholds_version, c.opened_at, c.status,
       c.settled_by, c.settled_at, c.reason, c.correlation_id, c.first_case_id, c.sequel,
       (select count(*) from case_proposals p join record_flags f using (case_id, record_id)
        where p.case_id = c.case_id and p.outcome in ('kept', 'lapsed') and f.standing
          and not exists (select from case_flag_decisions d where d.case_id = p.case_id and d.record_id = p.record_id)
       ) as undecided,
       (select count(*) from record_flags f where f.case_id = c.case_id) as records
from cases c where c.case_id = $1;

-- name: list_cases
-- Newest first by keyset; $5: only cases that touch one of these sites; $7: only those with flags to decide about.
select c.case_id, c.kind, c.subject_kind, c.subject, c.site_ids, c.evidence, c.thresholds_version, c.opened_at, c.status,
       c.settled_by, c.settled_at, c.reason, c.correlation_id, c.first_case_id, c.sequel,
       (select count(*) from case_proposals p join record_flags f using (case_id, record_id)
        where p.case_id = c.case_id and p.outcome in ('kept', 'lapsed') and f.standing
          and not exists (select from case_flag_decisions d where d.case_id = p.case_id and d.record_id = p.record_id)
       ) as undecided,
       (select count(*) from record_flags f where f.case_id = c.case_id) as records
from cases c
where ($1::text is null or c.kind = $1) and ($2::text is null or c.status = $2)
  and ($3::timestamptz is null or (c.opened_at, c.case_id) < ($3, $4::uuid))
  and ($5::uuid[] is null or c.site_ids && $5)
  and (not $7::boolean or c.status = 'confirmed' and exists (
      select from case_proposals p join record_flags f using (case_id, record_id)
      where p.case_id = c.case_id and p.outcome in ('kept', 'lapsed') and f.standing
        and not exists (select from case_flag_decisions d where d.case_id = p.case_id and d.record_id = p.record_id)))
order by c.opened_at desc, c.case_id desc limit $6;

-- name: records_of_case
-- What a case is about, by time: each record as it stands now, as far as points has seen it.
select f.record_id, f.volunteer_id, f.standing, r.revision, r.status, r.provenance, r.closed_by, r.theme, r.started_at,
       r.ended_at, r.minutes, r.site_id, r.activity_id, r.recorded_by, r.recorder_site_id, r.device_ref
from record_flags f left join records r using (record_id)
where f.case_id = $1 order by r.started_at, f.record_id limit $2;

-- name: records_before
-- The records of a sequel's first case ($1) and of the sequels before it, as they stand now.
select f.record_id, f.volunteer_id, f.standing, r.revision, r.status, r.provenance, r.closed_by, r.theme, r.started_at,
       r.ended_at, r.minutes, r.site_id, r.activity_id, r.recorded_by, r.recorder_site_id, r.device_ref
from cases c join record_flags f using (case_id) left join records r using (record_id)
where (c.case_id = $1 or c.first_case_id = $1) and c.sequel < $2 limit $3;

-- name: totals
-- How many cases there are of each kind, by how they stand; $1: only those that touch one of these sites.
select kind, status, count(*) as cases from cases where $1::uuid[] is null or site_ids && $1 group by kind, status order by kind, status;

-- name: recorder_hours
-- Confirmed minutes that each recorder asserted in a time, by class of device.
select split_part(place, '|', 3) as recorder, split_part(place, '|', 2) as class, sum(minutes)::int as minutes
from (
    select distinct a.place, r.record_id, r.minutes from integrity_acts a join records r using (record_id)
    where a.at >= $1 and a.at < $2 and (a.place like 'burst|kiosk|%' or a.place like 'burst|leader|%')
      and r.status = 'confirmed'
) asserted group by place;

-- name: records_asserted
-- The confirmed records that one recorder asserted in a time.
select distinct r.record_id, r.volunteer_id, r.site_id from integrity_acts a join records r using (record_id)
where a.place = $1 and a.at >= $2 and a.at < $3 and r.status = 'confirmed';

-- name: one_time_referrals
-- The one confirmed record of each referred person who has no other, and served not after a day.
select f.referrer_id, r.record_id, r.volunteer_id, r.site_id
from referrals f cross join lateral (
    select record_id, volunteer_id, site_id, day, count(*) over () as services
    from records where volunteer_id = f.referred_id and status = 'confirmed' limit 2
) r
where f.withdrawn_at is null and r.services = 1 and r.day <= $1 order by f.referrer_id, r.record_id;

-- name: insert_denials
-- What was denied, each revision once.
insert into integrity_denials (record_id, revision, volunteer_id, recorded_by, site_id, day)
select * from unnest($1::uuid[], $2::int[], $3::uuid[], $4::uuid[], $5::uuid[], $6::date[]) on conflict do nothing;

-- name: recorders_alone
-- One transaction after the other counts the denials of a recorder.
select pg_advisory_xact_lock(hashtext('points/denials'), hashtext(id))
from unnest($1::text[]) with ordinality as batch (id, place) order by place;

-- name: denials_within
-- All denials of a recorder in a time.
select d.recorded_by, d.day, d.record_id, d.volunteer_id, d.site_id
from unnest($1::uuid[], $2::date[], $3::date[]) as batch (recorder, since, until)
join integrity_denials d on d.recorded_by = batch.recorder and d.day >= batch.since and d.day < batch.until;

-- name: insert_people
-- Whom cases without records are about; more may join while one is open.
insert into case_people (case_id, volunteer_id, redemption_id)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[]) on conflict do nothing;

-- name: people_of_case
-- Whom a case without records is about: their redemption, and whether they are part of it still.
select p.volunteer_id, p.redemption_id, r.site_id, r.held_at, r.settled_at, r.status, r.points,
       case when p.redemption_id is not null then r.status = 'captured'
            else not exists (select from records s where s.volunteer_id = p.volunteer_id and s.status = 'confirmed'
                                                     and s.minutes > 0 and s.provenance <> 'imported') end as counts
from case_people p left join redemption r using (redemption_id)
where p.case_id = $1 order by r.settled_at, p.volunteer_id, p.redemption_id limit $2;

-- name: concerns
-- Is one of these among the people whom a case without records is about?
select exists (select from case_people where case_id = $1 and volunteer_id = any($2::uuid[]));
