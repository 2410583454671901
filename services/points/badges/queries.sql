-- name: install_version
-- What the service ships is in the table from its first start on; a version already there stays as it is.
insert into criteria_versions (version, name, effective_from, document, content_hash)
values ($1, $2, $3, $4::jsonb, $5)
on conflict (version) do nothing;

-- name: all_versions
-- For people who read the criteria, and for the ingest that judges by the newest.
select version, name, effective_from, document, content_hash, created_at from criteria_versions order by version;

-- name: revoke_awards
-- The open award of each badge that is no longer earned; returns which, for the event about it.
update badge_awards a
set revoked_at = $4, revoked_reason = batch.reason::jsonb
from unnest($1::uuid[], $2::text[], $3::text[]) as batch (volunteer_id, badge, reason)
where a.volunteer_id = batch.volunteer_id and a.badge = batch.badge and a.revoked_at is null
returning a.award_id, a.volunteer_id, a.badge;

-- name: services
-- All confirmed records of volunteers whose figures must be counted anew.
select volunteer_id, day, provenance, minutes, theme, site_id
from records where volunteer_id = any($1::uuid[]) and status = 'confirmed';

-- name: judged_under_other_criteria
-- Volunteers whom a new version has not judged yet; looked for now and then, so it needs no index.
select volunteer_id from volunteers where criteria_version between 1 and $1 - 1 order by volunteer_id limit $2;

-- name: awards_of
-- Every award of a volunteer, also those that were taken away, oldest first.
select award_id, badge, name, criteria_version, reason, awarded_at, revoked_at, revoked_reason
from badge_awards where volunteer_id = $1 order by awarded_at, badge;

-- name: standing
-- What a volunteer's progress is read from.
select credit_minutes, honour_minutes, imported_minutes, credit_records, honour_records, imported_records,
       criteria_version, badge_figures
from volunteers where volunteer_id = $1;
