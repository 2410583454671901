-- name: install_version
-- What the service ships is in the table from its first start on; a version already there stays as it is.
insert into team_criteria_versions (version, name, effective_from, document, content_hash)
values ($1, $2, $3, $4::jsonb, $5)
on conflict (version) do nothing;

-- name: all_versions
-- For people who read the criteria, and for the consumer that judges by the newest.
select version, name, effective_from, document, content_hash from team_criteria_versions order by version;

-- name: open_teams
-- A team is known from the first record that names it; sorted, so that two who open the same ones don't deadlock.
insert into teams (team_id, opened_at, updated_at)
select team_id, $2, $2 from unnest($1::uuid[]) as batch (team_id) order by team_id
on conflict (team_id) do nothing;

-- name: lock_teams
-- First of all, in one order; the state is read in a later statement.
select team_id from teams where team_id = any($1::uuid[]) order by team_id for update;

-- name: lock_services
-- Records without a team have no team's lock; their own rows are locked, after the teams.
select record_id from team_services where record_id = any($1::uuid[]) order by record_id for update;

-- name: services
-- What is counted of these records.
select record_id, revision, team_id, day, counted_as from team_services where record_id = any($1::uuid[]);

-- name: insert_services
-- Records seen for the first time; a concurrent insert makes it fail, and the batch comes again.
insert into team_services (record_id, revision, team_id, day, counted_as)
select * from unnest($1::uuid[], $2::int[], $3::uuid[], $4::date[], $5::text[])
    as batch (record_id, revision, team_id, day, counted_as) order by 1;

-- name: update_services
-- Records at a higher revision; their rows are locked.
update team_services s
set revision = batch.revision, team_id = batch.team_id, day = batch.day, counted_as = batch.counted_as
from unnest($1::uuid[], $2::int[], $3::uuid[], $4::date[], $5::text[])
    as batch (record_id, revision, team_id, day, counted_as)
where s.record_id = batch.record_id;

-- name: teams
-- Teams that are locked, or that are read.
select team_id, version, figures, badges, criteria_version from teams where team_id = any($1::uuid[]);

-- name: open_days
-- Days on which a team had not served before; what is taken away from a day is always there.
insert into team_days (team_id, day) select team_id, day from unnest($1::uuid[], $2::date[]) as batch (team_id, day)
order by 1, 2
on conflict (team_id, day) do nothing;

-- name: add_days
-- Services of these days, more or fewer.
update team_days d set credit = d.credit + batch.credit, honour = d.honour + batch.honour
from unnest($1::uuid[], $2::date[], $3::int[], $4::int[]) as batch (team_id, day, credit, honour)
where d.team_id = batch.team_id and d.day = batch.day;

-- name: write_teams
-- Figures and badges of the teams that changed; they are locked.
update teams t
set version = batch.version, figures = batch.figures::jsonb,
    badges = array(select jsonb_array_elements_text(batch.badges::jsonb)),
    criteria_version = $6, updated_at = $5
from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[]) as batch (team_id, version, figures, badges)
where t.team_id = batch.team_id;

-- name: insert_awards
-- Badges earned in this transaction.
insert into team_badge_awards (
    award_id, team_id, badge, name, criteria_version, reason, awarded_at, cause_event_id, correlation_id
)
select award_id, team_id, badge, name, criteria_version, reason::jsonb, $9, cause_event_id, correlation_id
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::text[], $7::uuid[], $8::text[])
    as batch (award_id, team_id, badge, name, criteria_version, reason, cause_event_id, correlation_id);

-- name: revoke_awards
-- The open award of each badge that is no longer earned; returns which, for the event about it.
update team_badge_awards a
set revoked_at = $4, revoked_reason = batch.reason::jsonb
from unnest($1::uuid[], $2::text[], $3::text[]) as batch (team_id, badge, reason)
where a.team_id = batch.team_id and a.badge = batch.badge and a.revoked_at is null
returning a.award_id, a.team_id, a.badge, a.name;

-- name: judged_under_other_criteria
-- Teams whom a new version has not judged yet; 0 is for who was opened and not judged in the same transaction.
select team_id from teams where criteria_version between 1 and $1 - 1 order by team_id limit $2;

-- name: awards_of
-- Every award of a team, also those that were taken away, oldest first.
select award_id, badge, name, criteria_version, reason, awarded_at, revoked_at, revoked_reason
from team_badge_awards where team_id = $1 order by awarded_at, badge;

-- name: standings
-- Teams by their services in a period, each with its rank among all; the page begins after ($3, $4).
with served as (
    select team_id, sum(credit + honour)::bigint as services
    from team_days where day between $1 and $2 group by team_id having sum(credit + honour) > 0
), ranked as (
    select team_id, services, rank() over (order by services desc)::int as rank from served
)
select r.rank, r.team_id, r.services, t.badges
from ranked r join teams t using (team_id)
where $3::bigint is null or r.services < $3 or (r.services = $3 and r.team_id > $4::uuid)
order by r.services desc, r.team_id limit $5;
