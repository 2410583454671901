-- name: export_snapshot
-- For other sessions to see the same state.
select pg_export_snapshot();

-- name: revisions_counted
-- How many revisions recruitment has published.
select count(*) from recruitment.attendance_revisions;

-- name: revisions_missing
-- A3: published and neither applied nor superseded at points; where each stands in its volunteer's order of sending.
-- applied_up_to: the latest of the volunteer's events that was applied; what should have come before it is lost.
with missing as materialized (
    select v.record_id, v.revision, v.volunteer_id
    from recruitment.attendance_revisions v
    where not exists (select from points.records r where r.record_id = v.record_id and r.revision = v.revision)
      and not exists (select from points.superseded_revisions s
                      where s.record_id = v.record_id and s.revision = v.revision)
), sent as materialized (
    select o.id, o.event_id, o.key, o.sent_at, convert_from(o.value, 'UTF8')::jsonb as data
    from recruitment.outbox o
    where o.topic = 'attendance' and o.key in (select volunteer_id::text from missing)
), applied as (
    select s.key, max(s.id) as id
    from sent s
    where exists (select from points.records r where r.event_id = s.event_id)
       or exists (select from points.superseded_revisions r where r.event_id = s.event_id)
    group by s.key
)
select m.record_id, m.revision, m.volunteer_id, s.id as outbox_id, s.sent_at, a.id as applied_up_to
from missing m
left join sent s on s.data ->> 'record_id' = m.record_id::text and (s.data ->> 'revision')::integer = m.revision
left join applied a on a.key = m.volunteer_id::text
order by m.volunteer_id, s.id, m.record_id, m.revision;

-- name: dead_attendance
-- A3: attendance that points dead-lettered; what exactly it was, its bytes say, or its attributes once they are a hash.
select id, kind, reason, status,
    case when value_sha256 is null then value
        else convert_to(json_build_object(
            'record_id', headers ->> 'ce_aggregateid', 'revision', headers ->> 'ce_aggregateversion')::text, 'UTF8')
    end as value
from points.dead_letters
where topic like '%volunteering.attendance.v1' and consumer_group like '%points-ingest' order by id;

-- name: contents_differ
-- A3: revisions whose content at points, standing or superseded, is not what recruitment holds.
select v.record_id, v.revision
from recruitment.attendance_revisions v
join points.records r using (record_id, revision)
where (v.volunteer_id, v.status, v.provenance, v.closed_by, v.kind, v.theme, v.started_at, v.ended_at, v.minutes,
       v.planned_minutes)
      is distinct from
      (r.volunteer_id, r.status, r.provenance, r.closed_by, r.kind, r.theme, r.started_at, r.ended_at, r.minutes,
       r.planned_minutes)
   or (v.activity_id, v.shift_id, v.site_id, v.team_id, v.drive_id, v.recorded_by, v.recorder_site_id, v.device_ref,
       v.approval_level, v.distance_m)
      is distinct from
      (r.activity_id, r.shift_id, r.site_id, r.team_id, r.drive_id, r.recorded_by, r.recorder_site_id, r.device_ref,
       r.approval_level, r.distance_m)
union all
select v.record_id, v.revision
from recruitment.attendance_revisions v
join points.superseded_revisions s using (record_id, revision)
where (v.volunteer_id, v.status, v.provenance, v.closed_by, v.kind, v.theme, v.started_at, v.ended_at, v.minutes,
       v.planned_minutes)
      is distinct from
      (s.volunteer_id, s.content ->> 'status', s.content ->> 'provenance', s.content ->> 'closed_by',
       s.content ->> 'kind', s.content ->> 'theme', (s.content ->> 'started_at')::timestamptz,
       (s.content ->> 'ended_at')::timestamptz, (s.content ->> 'minutes')::integer,
       (s.content ->> 'planned_minutes')::integer)
   or (v.activity_id, v.shift_id, v.site_id, v.team_id, v.drive_id, v.recorded_by, v.recorder_site_id, v.device_ref,
       v.approval_level, v.distance_m)
      is distinct from
      ((s.content ->> 'activity_id')::uuid, (s.content ->> 'shift_id')::uuid, (s.content ->> 'site_id')::uuid,
       (s.content ->> 'team_id')::uuid, (s.content ->> 'drive_id')::uuid, (s.content ->> 'recorded_by')::uuid,
       (s.content ->> 'recorder_site_id')::uuid, s.content ->> 'device_ref', s.content ->> 'approval_level',
       (s.content ->> 'distance_m')::integer)
order by 1, 2;

-- name: revisions_never_published
-- A3: revisions at points, of the ledger or of the teams, that recruitment never wrote: the topic was forged.
-- One anti-join per table, so that a large ledger is read once.
select r.record_id, r.revision, r.volunteer_id, r.event_id, r.minutes, 'records' as source
from points.records r
where not exists (select from recruitment.attendance_revisions v
                  where v.record_id = r.record_id and v.revision = r.revision)
union all
select s.record_id, s.revision, s.volunteer_id, s.event_id, (s.content ->> 'minutes')::integer, 'superseded_revisions'
from points.superseded_revisions s
where not exists (select from recruitment.attendance_revisions v
                  where v.record_id = s.record_id and v.revision = s.revision)
union all
select t.record_id, t.revision, null, null, null, 'team_services'
from points.team_services t
where not exists (select from recruitment.attendance_revisions v
                  where v.record_id = t.record_id and v.revision = t.revision);

-- name: records_unknown_to_recruitment
-- A3, as a note where a test or a bench feeds the topic directly: a count, as there may be millions.
select count(*) from points.records r
where not exists (select from recruitment.attendance_revisions v
                  where v.record_id = r.record_id and v.revision = r.revision);

-- name: rule_versions
-- A4: the rules that buckets are under.
select version, name, effective_from, document, status from points.rule_versions order by version;

-- name: rule_generations
-- A4: which rules are in force together; the newest is where everybody is to be.
select generation, versions from points.rule_generations order by generation;

-- name: range_bounds
-- A4, A5: the first volunteer of each of $1 ranges with equally many accounts.
select min(volunteer_id::text)::uuid as first from (
    select volunteer_id, ntile($1) over (order by volunteer_id) as place from points.volunteers
) placed group by place order by place;

-- name: moves_against_predictions
-- A4: volunteers for whom an activation was something else than its rehearsal said, although nothing came later; and
-- activations whose totals are not the sums of their moves.
select 'activation ' || activation_id || ', volunteer ' || volunteer_id as subject,
       'predicted ' || predicted || ', was ' || actual || ', and nothing came late' as detail
from points.activation_moves where predicted <> actual and late_records = '{}'
  and late_complaints = '{}' and late_referrals = '{}'
union all
select 'activation ' || a.activation_id,
       'its totals are not the sums of its moves: predicted ' || a.predicted_total || ', actual ' || a.actual_total
from points.activations a
left join (
    select activation_id, sum(predicted) as predicted, sum(actual) as actual, sum(other) as other, sum(reversed) as reversed
    from points.activation_moves group by activation_id
) m using (activation_id)
where (a.predicted_total, a.actual_total, a.other_total, a.reversed_total) is distinct from
      (coalesce(m.predicted, 0), coalesce(m.actual, 0), coalesce(m.other, 0), coalesce(m.reversed, 0))
order by 1;

-- name: activations_against_approval
-- A4: decided by one person alone.
select activation_id, status, proposed_by, decided_by, reversal_proposed_by, reversal_decided_by from points.activations
where (status not in ('proposed', 'withdrawn') and (decided_by is null or decided_by = proposed_by))
   or (status in ('reversing', 'reversed')
       and (reversal_decided_by is null or reversal_decided_by = reversal_proposed_by)) order by 1;

-- name: records_by_volunteer
-- A4, A5: every record at its highest revision, a volunteer at a time: what rules read, in their order, and the site.
select r.volunteer_id, r.record_id, r.revision, r.day, r.status, r.provenance, r.started_at, r.minutes, r.planned_minutes,
       r.kind, r.theme, r.activity_id, r.approval_level, (
    record_id in (select c.record_id from points.complaints c where c.withdrawn_at is null and c.record_id is not null)
    or coalesce(activity_id in (
        select c.activity_id from points.complaints c where c.withdrawn_at is null and c.activity_id is not null), false)
) as complained, f.kinds as flag_kinds, r.site_id
from points.records r
left join (
    select record_id, array_agg(distinct kind) as kinds from points.record_flags where standing group by record_id
) f using (record_id)
where r.volunteer_id between $1 and $2 order by r.volunteer_id;

-- name: buckets_by_volunteer
-- A4: what each bucket says, a volunteer at a time.
select volunteer_id, bucket, rule_version, points, explanation from points.buckets
where volunteer_id between $1 and $2 order by volunteer_id, bucket;

-- name: awards_by_volunteer
-- A4: what was posted for each bucket, a volunteer at a time, against what its lots say was awarded.
with posted as (
    select volunteer_id, bucket, expires_on, sum(case code when 'award' then amount else -amount end) as points
    from points.transfers where code in ('award', 'reversal') and volunteer_id between $1 and $2
    group by volunteer_id, bucket, expires_on
), held as (
    select volunteer_id, bucket, expires_on, awarded from points.lots where volunteer_id between $1 and $2
)
select volunteer_id, bucket, expires_on, coalesce(p.points, 0)::bigint as posted, coalesce(l.awarded, 0) as awarded
from posted p full join held l using (volunteer_id, bucket, expires_on)
order by volunteer_id;

-- name: referrals_by_volunteer
-- A4: referrals that stand, the inputs of their buckets, by whom they earn a bonus.
select referrer_id as volunteer_id, referred_id, day from points.referrals
where withdrawn_at is null and referrer_id between $1 and $2 order by referrer_id, referral_id;

-- name: adjustments_by_volunteer
-- A4: approved adjustments, the inputs of their buckets, a volunteer at a time, the one that names the bucket first.
select volunteer_id, coalesce(corrects, adjustment_id) as root, adjustment_id, points, decided_on as day
from points.adjustments where status = 'approved' and volunteer_id between $1 and $2
order by volunteer_id, corrects is not null, decided_at, adjustment_id;

-- name: flags_against_cases
-- A4: a flag stands until its case is cleared, is of its kind, and belongs to whom the record belongs to.
select f.record_id, f.case_id, f.volunteer_id, f.kind, f.standing, coalesce(c.status, 'missing') as status,
       coalesce(c.kind, '') as case_kind, coalesce(r.volunteer_id, f.volunteer_id) as owner
from points.record_flags f left join points.cases c using (case_id) left join points.records r using (record_id)
left join points.case_flag_decisions d on d.case_id = f.case_id and d.record_id = f.record_id
where c.case_id is null or f.standing <> (c.status <> 'cleared' and d.decision is distinct from 'cleared') or f.kind <> c.kind
   or f.volunteer_id <> coalesce(r.volunteer_id, f.volunteer_id)
order by 1, 2;

-- name: flags_against_counters
-- A4: who has flags is asked about them.
select v.volunteer_id, v.standing_flags, coalesce(f.flags, 0) as flags
from points.volunteers v
left join (select volunteer_id, count(*) as flags from points.record_flags where standing group by volunteer_id) f
    using (volunteer_id)
where v.standing_flags <> coalesce(f.flags, 0) order by 1;

-- name: adjustments_against_approval
-- A4: decided by one person alone, or without a decision.
select adjustment_id, status, proposed_by, decided_by from points.adjustments
where (status in ('approved', 'rejected') and (decided_by is null or decided_by = proposed_by))
   or (status <> 'proposed') <> (decided_at is not null) order by 1;

-- name: awards_against_versions
-- A4: what was posted under each version of each bucket against what that version changed; names the transfers. Most
-- buckets have one version: it changed them by all that they are worth, without their versions put in order.
with posted as (
    select volunteer_id, bucket, bucket_version as version,
           sum(case code when 'award' then amount else -amount end) as points
    from points.transfers where code in ('award', 'reversal') group by volunteer_id, bucket, bucket_version
), changed as (
    select distinct volunteer_id, bucket from points.bucket_history
), said as (
    select b.volunteer_id, b.bucket, b.version, b.points
    from points.buckets b
    where not exists (select from points.bucket_history h where h.volunteer_id = b.volunteer_id and h.bucket = b.bucket)
    union all
    select volunteer_id, bucket, version,
           points - lag(points, 1, 0) over (partition by volunteer_id, bucket order by version)
    from points.bucket_versions join changed using (volunteer_id, bucket)
), wrong as (
    select volunteer_id, bucket, version, coalesce(p.points, 0)::bigint as posted, coalesce(s.points, 0) as said
    from posted p full join said s using (volunteer_id, bucket, version)
    where coalesce(p.points, 0) <> coalesce(s.points, 0)
)
select w.*, array(
    select t.transfer_id from points.transfers t
    where t.volunteer_id = w.volunteer_id and t.bucket is not distinct from w.bucket
      and t.bucket_version is not distinct from w.version and t.code in ('award', 'reversal') order by t.transfer_id
) as transfer_ids
from wrong w order by 1, 2, 3;

-- name: criteria_versions
-- A5: what earns a badge.
select version, name, effective_from, document from points.criteria_versions order by version;

-- name: accounts_by_volunteer
-- A4, A5: the generation of rules that all buckets of a volunteer are under, the lifetime figures, the badges held now
-- and the version under which they were judged, a volunteer at a time.
with held as (
    select volunteer_id, array_agg(badge order by badge) as awarded
    from points.badge_awards where revoked_at is null and volunteer_id between $1 and $2 group by volunteer_id
), accounts as (
    select * from points.volunteers where volunteer_id between $1 and $2
)
select volunteer_id, v.generation, v.criteria_version, v.badge_figures, coalesce(v.badges, '{}') as badges,
       coalesce(h.awarded, '{}') as awarded, v.credit_minutes, v.honour_minutes, v.imported_minutes, v.credit_records,
       v.honour_records, v.imported_records
from accounts v full join held h using (volunteer_id) order by volunteer_id;

-- name: dead_attendance_of_teams
-- A3: attendance that the teams' consumer dead-lettered; what exactly it was, its bytes say, or its attributes.
select id, status,
    case when value_sha256 is null then value
        else convert_to(json_build_object(
            'record_id', headers ->> 'ce_aggregateid', 'revision', headers ->> 'ce_aggregateversion')::text, 'UTF8')
    end as value
from points.dead_letters
where topic like '%volunteering.attendance.v1' and consumer_group like '%points-teams' order by id;

-- name: services_missing
-- A3: published revisions that the teams' consumer has not seen and that would change what it counts: they count for a
-- team, or a lower revision of theirs is counted. applied_up_to is as in revisions_missing.
with missing as materialized (
    select v.record_id, v.revision, v.volunteer_id
    from recruitment.attendance_revisions v
    left join points.team_services s on s.record_id = v.record_id
    where (s.record_id is null or s.revision < v.revision)
      and ((v.status = 'confirmed' and v.team_id is not null and v.provenance <> 'imported') or s.counted_as is not null)
), sent as materialized (
    select o.id, o.key, o.sent_at, convert_from(o.value, 'UTF8')::jsonb as data
    from recruitment.outbox o
    where o.topic = 'attendance' and o.key in (select volunteer_id::text from missing)
), applied as (
    select s.key, max(s.id) as id
    from sent s
    join points.team_services t on t.record_id = (s.data ->> 'record_id')::uuid
        and t.revision = (s.data ->> 'revision')::integer
    group by s.key
)
select m.record_id, m.revision, m.volunteer_id, s.id as outbox_id, s.sent_at, a.id as applied_up_to
from missing m
left join sent s on s.data ->> 'record_id' = m.record_id::text and (s.data ->> 'revision')::integer = m.revision
left join applied a on a.key = m.volunteer_id::text
order by m.volunteer_id, s.id, m.record_id, m.revision;

-- name: services_against_records
-- A5: what is counted of each record against what the ledger's records say at the same revision, standing or superseded.
-- A revision that the ledger does not have (yet) is A3's business.
with said as (
    select record_id, revision, team_id, day, status, provenance from points.records
    union all
    select record_id, revision, (content ->> 'team_id')::uuid, (content ->> 'day')::date, content ->> 'status',
           content ->> 'provenance'
    from points.superseded_revisions
), due as (
    select s.record_id, s.revision, s.team_id, s.day, s.counted_as, r.team_id as team_id_due, r.day as day_due,
           case when r.status <> 'confirmed' or r.team_id is null or r.provenance = 'imported' then null
                when r.provenance = 'backfilled' then 'honour' else 'credit' end as counted_as_due
    from points.team_services s join said r using (record_id, revision)
)
select * from due
where (team_id, day, counted_as) is distinct from (team_id_due, day_due, counted_as_due) order by record_id;

-- name: services_by_day
-- A5: each team's days against all that is counted.
with counted as (
    select team_id, day, count(*) filter (where counted_as = 'credit') as credit,
           count(*) filter (where counted_as = 'honour') as honour
    from points.team_services where counted_as is not null group by team_id, day
)
select coalesce(d.team_id, c.team_id) as team_id, coalesce(d.day, c.day) as day, coalesce(d.credit, 0) as credit,
       coalesce(d.honour, 0) as honour, coalesce(c.credit, 0) as credit_due, coalesce(c.honour, 0) as honour_due
from points.team_days d full join counted c on c.team_id = d.team_id and c.day = d.day order by 1, 2;

-- name: team_criteria_versions
-- A5: what earns a team a badge.
select version, document from points.team_criteria_versions order by version;

-- name: badges_by_team
-- A5: figures and badges of each team, and the version under which it was judged.
with held as (
    select team_id, array_agg(badge order by badge) as awarded
    from points.team_badge_awards where revoked_at is null group by team_id
)
select team_id, t.criteria_version, t.figures, coalesce(t.badges, '{}') as badges, coalesce(h.awarded, '{}') as awarded
from points.teams t full join held h using (team_id) order by team_id;

-- name: deliveries_counted
-- How many deliveries were examined.
select count(*) from notify.deliveries;

-- name: attempts_repeated
-- A8: more than one attempt in flight, done, or unknown, per event, recipient and channel.
select event_id, recipient_id, channel, count(*) as attempts, array_agg(outcome order by attempt) as outcomes
from notify.delivery_attempts where outcome in ('attempting', 'sent', 'unknown')
group by event_id, recipient_id, channel having count(*) > 1 order by 1, 2, 3;

-- name: deliveries_repeated
-- A8: one row per event, recipient and channel, whatever became of its key.
select event_id, recipient_id, channel, count(*) as rows
from notify.deliveries group by event_id, recipient_id, channel having count(*) > 1 order by 1, 2, 3;

-- name: deliveries_against_attempts
-- A8: what a delivery says against what its attempts say. The inbox needs no attempt: it is the row itself.
select d.event_id, d.recipient_id, d.channel, d.status, coalesce(a.outcomes, '{}') as outcomes
from notify.deliveries d
left join lateral (
    select array_agg(t.outcome order by t.attempt) as outcomes from notify.delivery_attempts t
    where (t.event_id, t.recipient_id, t.channel) = (d.event_id, d.recipient_id, d.channel)
) a on true
where d.channel <> 'inbox'
  and ((d.status in ('attempting', 'sent', 'unknown') and not coalesce(d.status = any(a.outcomes), false))
    or (d.status in ('pending', 'suppressed') and coalesce(a.outcomes && '{attempting,sent,unknown}', false)))
order by 1, 2, 3;

-- name: messages_repeated
-- A8: a message is one per event and recipient.
select event_id, recipient_id, count(*) as rows from notify.messages
group by event_id, recipient_id having count(*) > 1 order by 1, 2;
