-- name: install_version
-- What the service ships is in the table from its first start on; a version already there stays as it is.
insert into rule_versions (version, name, effective_from, document, content_hash)
values ($1, $2, $3, $4::jsonb, $5)
on conflict (version) do nothing returning version;

-- name: number_alone
-- Drafts get their numbers one after the other.
select pg_advisory_xact_lock(hashtext('points/rule-versions'));

-- name: next_draft
-- Numbers up to 1000 belong to the versions that the service ships.
select greatest(1000, coalesce(max(version), 0)) + 1 from rule_versions;

-- name: insert_draft
-- A rule without buckets yet.
insert into rule_versions (version, name, effective_from, document, content_hash, status, source, drafted_by, created_at)
values ($1, $2, $3, $4::jsonb, $5, 'draft', $6, $7, $8);

-- name: keep_rules
-- Shared among those who decide by rules: no generation is made meanwhile. Then complaints, always in this order; who
-- records one takes that lock alone. And the time, which everybody needs.
select pg_advisory_xact_lock_shared(hashtext('points/rules')), pg_advisory_xact_lock_shared(hashtext('points/complaints')),
       business.now();

-- name: change_rules
-- Alone: transactions that decided by an older generation have committed, and later ones read the new one in a later statement.
select pg_advisory_xact_lock(hashtext('points/rules'));

-- name: newest_generation
-- Where everybody is to be.
select generation, versions from rule_generations order by generation desc limit 1;

-- name: generations
-- The rules of generations, one row each.
select g.generation, v.version, v.name, v.effective_from, v.document, v.content_hash, v.status, v.created_at
from rule_generations g join rule_versions v on v.version = any(g.versions)
where g.generation = any($1::int[]) order by g.generation, v.version;

-- name: rules_of_volunteer
-- The rules that all buckets of a volunteer are under; read after the lock.
select v.version, v.name, v.effective_from, v.document, v.content_hash, v.status, v.created_at
from volunteers a join rule_generations g using (generation) join rule_versions v on v.version = any(g.versions)
where a.volunteer_id = $1 order by v.version;

-- name: fill_generation
-- The first generation, while it is empty and nothing can have been judged by it.
update rule_generations set versions = $2 where generation = $1 and versions = '{}';

-- name: insert_generation
-- What is to be in force for everybody from now on; the lock of `change_rules` is held.
insert into rule_generations (generation, versions, made_at)
select max(generation) + 1, $1::int[], $2 from rule_generations returning generation;

-- name: under_way
-- Whether any volunteer is still on the way to the newest generation?
select exists (select from volunteers where generation < (select max(generation) from rule_generations))
    or exists (select from activations where status in ('applying', 'reversing'));

-- name: set_status
-- A draft comes into force, or what was in force is reversed; nothing else happens to a version.
update rule_versions set status = $3 where version = $1 and status = $2 returning version;

-- name: all_versions
-- For people who read the rules, drafts included.
select version, name, effective_from, document, content_hash, status, created_at
from rule_versions order by version;

-- name: one_version
-- A single version for reading.
select version, name, effective_from, document, content_hash, status, created_at
from rule_versions where version = $1;
