-- name: install_version
-- What the service ships is in the table from its first start on; a version already there stays as it is.
insert into criteria_versions (version, name, effective_from, document, content_hash)
values ($1, $2, $3, $4::jsonb, $5)
on conflict (version) do nothing;

-- name: all_versions
-- For people who read the criteria, and for the ingest that judges by the newest.
select version, name, effective_from, document, content_hash, created_at from criteria_versions order by version;

-- name: insert_awards
-- Badges earned in this transaction.
insert into badge_awards (
    award_id, volunteer_id, badge, name, criteria_version, reason, awarded_at, cause_event_id, correlation_id
)
select award_id, volunteer_id, badge, name, criteria_version, reason::jsonb, $7, cause_event_id, correlation_id
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::text[], $8::uuid[], $9::text[])
    as batch (award_id, volunteer_id, badge, name, criteria_version, reason, cause_event_id, correlation_id);

-- name: revoke_awards
-- The open award of each badge that is no longer earned; returns which, for the event about it.
update badge_awards a
set revoked_at = $4, revoked_reason = batch.reason::jsonb
from unnest($1::uuid[], $2::text[], $3::text[]) as batch (volunteer_id, badge, reason)
where a.volunteer_id = batch.volunteer_id and a.badge = batch.badge and a.revoked_at is null
returning a.award_id, a.volunteer_id, a.badge;
