-- name: install_version
-- What the service ships is in the table from its first start on; a version already there stays as it is.
insert into rule_versions (version, name, effective_from, document, content_hash)
values ($1, $2, $3, $4::jsonb, $5)
on conflict (version) do nothing;

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
