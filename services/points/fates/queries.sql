-- name: revision_by_place
-- A revision of a record, standing or replaced, by its key; the highest revision that stands beside it.
select r.record_id, r.volunteer_id, found.revision, found.event_id, found.at, r.revision as standing
from records r
left join lateral (
    select revision, event_id, received_at as at from records where record_id = r.record_id and revision = $2
    union all
    select revision, event_id, superseded_at from superseded_revisions where record_id = r.record_id and revision = $2
) found on true
where r.record_id = $1;

-- name: revision_by_event
-- The same where only the event is known: no index has it, so it reads all records.
select r.record_id, r.volunteer_id, r.revision, r.event_id, r.received_at as at, r.revision as standing
from records r where r.event_id = $1
union all
select s.record_id, r.volunteer_id, s.revision, s.event_id, s.superseded_at, r.revision
from superseded_revisions s join records r using (record_id) where s.event_id = $1
limit 1;

-- name: postings
-- Transfers of the volunteer that the event caused, and the event that announced each.
select transfer_id, posting_id from transfers where volunteer_id = $1 and cause_event_id = $2 order by transfer_id;

-- name: badges
-- Badges that the event brought the volunteer.
select award_id from badge_awards where volunteer_id = $1 and cause_event_id = $2 order by awarded_at, award_id;

-- name: team_revision
-- The revision that is counted for teams.
select revision from team_services where record_id = $1;

-- name: ledger_has
-- Which of these revisions the ledger has, standing or replaced.
select batch.place from unnest($1::int[], $2::uuid[], $3::int[]) as batch (place, record_id, revision)
where exists (select from records r where r.record_id = batch.record_id and r.revision = batch.revision)
   or exists (
       select from superseded_revisions s where s.record_id = batch.record_id and s.revision = batch.revision
   );

-- name: teams_have
-- Which of these revisions would change nothing for teams.
select batch.place from unnest($1::int[], $2::uuid[], $3::int[]) as batch (place, record_id, revision)
join team_services s on s.record_id = batch.record_id and s.revision >= batch.revision;
