-- name: install_version
-- What the service ships is in the table from its first start on; a version already there stays as it is.
insert into rule_versions (version, name, effective_from, document, content_hash)
values ($1, $2, $3, $4::jsonb, $5)
on conflict (version) do nothing;

-- name: number_alone
-- Drafts get their numbers one after the other.
select pg_advisory_xact_lock(hashtext('points/rule-versions'));

-- name: next_draft
-- Numbers up to 1000 belong to the versions that the service ships.
select greatest(1000, coalesce(max(version), 0)) + 1 from rule_versions;

-- name: insert_draft
-- A rule that nothing stands under yet.
insert into rule_versions (version, name, effective_from, document, content_hash, status, source, drafted_by, created_at)
values ($1, $2, $3, $4::jsonb, $5, 'draft', $6, $7, $8);

-- name: active_versions
-- The rules that buckets may stand under.
select version, name, effective_from, document, content_hash, status, created_at
from rule_versions where status = 'active' order by version;

-- name: all_versions
-- For people who read the rules, drafts included.
select version, name, effective_from, document, content_hash, status, created_at
from rule_versions order by version;

-- name: one_version
-- A single version for reading.
select version, name, effective_from, document, content_hash, status, created_at
from rule_versions where version = $1;
