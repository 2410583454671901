-- name: attendance_not_applied
-- Revisions that attendance has reported and points has neither applied, nor seen replaced, nor put aside.
select count(*) from (
    select r.record_id, r.revision from recruitment.attendance_revisions r
    except
    (select record_id, revision from points.records union all select record_id, revision from points.superseded_revisions)
) missing;

-- name: attendance_not_counted
-- Revisions that attendance has reported and the teams' consumer has neither counted nor seen replaced.
select count(*) from recruitment.attendance_revisions r
where not exists (select from points.team_services s where s.record_id = r.record_id and s.revision >= r.revision);

-- name: records_not_followed
-- Marks of changed records that integrity has not followed up: what it finds may hold points back.
select count(*) from points.record_marks;

-- name: events_not_sent
-- Events that still lie in an outbox.
select (select count(*) from recruitment.outbox where sent_at is null)
     + (select count(*) from points.outbox where sent_at is null)
     + (select count(*) from notify.outbox where sent_at is null);

-- name: events_not_notified
-- Volunteers of whose points notify has not read the last word.
select count(*)
from (
    select aggregate_id, max(aggregate_version) as version
    from (
        select headers ->> 'ce_aggregateid' as aggregate_id, (headers ->> 'ce_aggregateversion')::bigint as aggregate_version
        from points.outbox where topic = 'points'
    ) told group by aggregate_id
) last left join notify.seen_versions seen using (aggregate_id)
where coalesce(seen.version, 0) < last.version;

-- name: packs_of_points
-- Rows of the outbox that hold many events of points each.
select key, headers, value from points.outbox where topic = 'points' and key = '';

-- name: versions_not_notified
-- Volunteers of whose events notify has not read the given version.
select count(*)
from unnest($1::text[], $2::bigint[]) as told (aggregate_id, version)
left join notify.seen_versions seen using (aggregate_id)
where coalesce(seen.version, 0) < told.version;

-- name: records_to_close
-- Records left open half an hour after their shift's end, which the timer closes.
select count(*) from recruitment.attendance_records r join recruitment.shifts s using (shift_id)
where r.ended_at is null and r.status <> 'void' and s.ends_at + interval '30 minutes' <= business.now();

-- name: holds_to_release
-- Redemptions that were not fetched in time and that the timer has not yet released.
select count(*) from points.redemption where status = 'held' and expires_at <= business.now();

-- name: lots_to_expire
-- Lots whose last day has passed and that the timer has not yet emptied.
select count(*) from points.lots
where available > 0 and expires_on < (business.now() at time zone 'Asia/Shanghai')::date;

-- name: records_by_person
-- What each volunteer ended with, for comparing two runs of the same seed.
select volunteer_id, available, held, debt, earned, spent, expired, credit_minutes, badges from points.volunteers;

-- name: postgres_version
-- Which server this was measured on.
select current_setting('server_version');

-- name: orders_due
-- Orders whose deadline has passed.
select count(*) from recruitment.orders where next_at <= (select instant from business.clock);
