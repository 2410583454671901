-- name: horizon
-- Below it nothing can still commit: a transaction in progress reads business time after it began. Driven time stands
-- where it was put, so there it is the instant itself, exact while nothing is in progress.
select least(
    business.now(),
    case when (select instant from business.clock) is null then (
        select min(xact_start) - interval '1 microsecond' from pg_stat_activity
        where datname = current_database() and usename = current_user and xact_start is not null
    ) end
) as horizon, business.now() as now;

-- name: counts
-- Everything that is counted without reading attendance; $3 is the instant as of which, or infinity. What was closed by
-- then, and before the period's end, no longer counts, nor do activities whose shifts were all called off before they
-- began. Docking is by its dates as far as they were entered then; residents served are as the history of changes has them.
select
    (select jsonb_object_agg(kind, n) from (select kind, count(*) as n from sites
        where created_at <= $3 and (closed_at is null or closed_at > least($2, $3)) group by kind) s) as sites,
    (select jsonb_object_agg(kind, n) from (select kind, count(*) as n from teams
        where created_at <= $3 and (closed_at is null or closed_at > least($2, $3)) group by kind) t) as teams,
    (select count(*) from teams t
     where created_at <= $3 and (closed_at is null or closed_at > least($2, $3))
       and exists (select from team_dockings d
                   where d.team_id = t.team_id and d.recorded_at <= $3 and (d.since <= $2 or t.created_at > $2)
                     and (d.until is null or d.ended_at > $3 or d.until > least($2, $3)))) as docked,
    (select count(*) from themes
     where created_at <= $3 and (closed_at is null or closed_at > least($2, $3))) as themes,
    (select jsonb_object_agg(place_kind, n) from (
        select place_kind, count(*) as n from drives
        where starts_at < $2 and ends_at > $1 and opened_at <= $3 group by place_kind) d) as drives,
    (select count(*) from appeals where published_at < $2 and published_at <= $3) as appeals,
    (select count(*) from projects
     where created_at <= $3 and (closed_at is null or closed_at > least($2, $3))) as projects,
    (select count(*) from honours
     where created_at <= $3 and (closed_at is null or closed_at > least($2, $3))) as honours,
    (select count(*) from volunteers where registered_at < $2 and registered_at <= $3) as registered,
    (select count(*) from activities a
     where starts_at >= $1 and starts_at < $2 and opened_at <= $3 and visibility = 'public' and exists (
         select from shifts s where s.activity_id = a.activity_id
         and (s.cancelled_at is null or s.cancelled_at > s.starts_at or s.cancelled_at > $3))) as activities,
    (select coalesce(sum(coalesce((
                select (c.before ->> 'residents_served')::integer from object_changes c
                where c.object_id = a.activity_id and c.changed_at > $3 and c.before ? 'residents_served'
                order by c.change_id limit 1), residents_served)), 0)
     from activities a where starts_at >= $1 and starts_at < $2 and closed_at <= $3) as residents_served;

-- name: coverage
-- Per level: open sites with an open team and an activity in the period, and all open sites; service points are on top of
-- the count. What was closed before the period's end, as far as is known at $3, is in neither number.
select s.level, count(*) as sites,
       count(*) filter (
           where exists (select from teams t where t.site_id = s.site_id and t.created_at <= $3
                         and (t.closed_at is null or t.closed_at > least($2, $3)))
             and exists (
                 select from activities a
                 where a.site_id = s.site_id and a.starts_at >= $1 and a.starts_at < $2 and a.opened_at <= $3
                   and exists (
                       select from shifts h where h.activity_id = a.activity_id
                       and (h.cancelled_at is null or h.cancelled_at > h.starts_at or h.cancelled_at > $3))
             )
       ) as covered
from sites s
where s.kind <> 'service_point' and s.created_at <= $3 and (s.closed_at is null or s.closed_at > least($2, $3))
group by s.level;

-- name: pillars
-- Opened activities of the period by the pillar of their theme.
select t.pillar, count(*) as activities
from activities a join themes t using (theme_id)
where a.starts_at >= $1 and a.starts_at < $2 and a.opened_at <= $3 and a.visibility = 'public' and exists (
      select from shifts s where s.activity_id = a.activity_id
      and (s.cancelled_at is null or s.cancelled_at > s.starts_at or s.cancelled_at > $3))
group by t.pillar;

-- name: attendance_now
-- Attendance of the period as it stands.
select count(*) filter (where confirmed) as records,
       count(distinct volunteer_id) filter (where confirmed) as participants,
       count(distinct (volunteer_id, shift_id)) filter (where confirmed) as participations,
       coalesce(sum(minutes) filter (where confirmed), 0)::bigint as minutes,
       coalesce(sum(minutes) filter (where confirmed and provenance = 'backfilled'), 0)::bigint as honour_minutes,
       count(*) filter (where status = 'provisional' and ended_at is not null) as waiting
from (
    select *, status = 'confirmed' as confirmed from attendance_records
    where started_at >= $1 and started_at < $2 and provenance <> 'imported'
) r;

-- name: provenances_now
-- Confirmed records of the period by how people checked in.
select provenance, count(*) as records from attendance_records
where started_at >= $1 and started_at < $2 and provenance <> 'imported' and status = 'confirmed' group by provenance;

-- name: imported_now
-- Prior hours, apart from everything else.
select coalesce(sum(minutes), 0)::bigint from attendance_records
where provenance = 'imported' and status = 'confirmed' and started_at < $1;

-- name: attendance_as_of
-- The same from the revisions that were known at $3: the latest of each record then.
with known as (
    select distinct on (record_id) record_id, volunteer_id, shift_id, provenance, status, started_at, ended_at, minutes
    from attendance_revisions where recorded_at <= $3
    order by record_id, revision desc
)
select count(*) filter (where confirmed) as records,
       count(distinct volunteer_id) filter (where confirmed) as participants,
       count(distinct (volunteer_id, shift_id)) filter (where confirmed) as participations,
       coalesce(sum(minutes) filter (where confirmed), 0)::bigint as minutes,
       coalesce(sum(minutes) filter (where confirmed and provenance = 'backfilled'), 0)::bigint as honour_minutes,
       count(*) filter (where status = 'provisional' and ended_at is not null) as waiting
from (
    select *, status = 'confirmed' as confirmed from known
    where started_at >= $1 and started_at < $2 and provenance <> 'imported'
) r;

-- name: provenances_as_of
-- The same by how people checked in.
with known as (
    select distinct on (record_id) record_id, provenance, status, started_at
    from attendance_revisions where recorded_at <= $3
    order by record_id, revision desc
)
select provenance, count(*) as records from known
where started_at >= $1 and started_at < $2 and provenance <> 'imported' and status = 'confirmed' group by provenance;

-- name: imported_as_of
-- Prior hours as they were known at $2.
with known as (
    select distinct on (record_id) record_id, status, started_at, minutes
    from attendance_revisions where recorded_at <= $2 and provenance = 'imported'
    order by record_id, revision desc
)
select coalesce(sum(minutes), 0)::bigint from known where status = 'confirmed' and started_at < $1;
