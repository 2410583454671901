-- name: next_numbers
-- Serials of a whole batch in one round trip; gaps are fine, repeats are not.
select nextval('volunteer_numbers')::bigint as serial from generate_series(1, $1::integer);

-- name: add_volunteers
-- All volunteers of a batch in one statement.
insert into volunteers (
    volunteer_id, person_id, volunteer_number, registry, registry_number, batch_id, source, drive_id, appeal_id, site_id,
    registered_at, prior_minutes, consented_at, guardian_consent, claimed_at
)
select volunteer_id, person_id, volunteer_number, $5, registry_number, $6, $7, $8, $9, site_id,
       $12, prior_minutes, $13, $14, $13
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $10::uuid[], $11::integer[])
    as volunteer (volunteer_id, person_id, volunteer_number, registry_number, site_id, prior_minutes);

-- name: lock_registry
-- One import of a registry at a time, so that its numbers are looked up and inserted as one step.
select pg_advisory_xact_lock(hashtextextended('import:' || $1, 0));

-- name: approve_file
-- The first batch of a file brings its approval; later ones must name the same.
insert into import_files (registry, file_reference, approval_reference, approved_by, first_imported_at)
values ($1, $2, $3, $4, $5) on conflict do nothing;

-- name: approval_of_file
-- What the file was approved under.
select approval_reference from import_files where registry = $1 and file_reference = $2;

-- name: add_batch
-- What became of a batch is settled at the end; volunteers refer to it before.
insert into import_batches (batch_id, registry, file_reference, imported_by, imported_at, imported, known, refused)
values ($1, $2, $3, $4, $5, 0, 0, 0);

-- name: settle_batch
-- How many rows went which way.
update import_batches set imported = $2, known = $3, refused = $4 where batch_id = $1;

-- name: known_registry_numbers
-- Rows that were imported before are skipped, so a file may be sent again.
select registry_number from volunteers where registry = $1 and registry_number = any($2::text[]);

-- name: existing_sites
-- Which of these are sites.
select site_id from sites where site_id = any($1::uuid[]);

-- name: volunteer_of_person_locked
-- About to be claimed, or found to be registered already.
select volunteer_id, volunteer_number, registered_at, claimed_at from volunteers where person_id = $1 for update;

-- name: claim
-- From now on the account is its owner's.
update volunteers
set claimed_at = $2, consented_at = $2, guardian_consent = $3, version = version + 1
where volunteer_id = $1 and claimed_at is null;

-- name: volunteer
-- One volunteer with the person behind, for the masked view and the own page.
select volunteer_id, person_id, volunteer_number, registry, registry_number, source, drive_id, appeal_id, site_id,
       registered_at, prior_minutes, claimed_at
from volunteers where volunteer_id = $1;

-- name: list_volunteers
-- In order of registration, a page at a time, within the caller's sites (none: all).
select volunteer_id, person_id, volunteer_number, registry, registry_number, source, drive_id, appeal_id, site_id,
       registered_at, prior_minutes, claimed_at
from volunteers
where ($1::uuid is null or volunteer_id > $1)
  and ($2::uuid[] is null or site_id = any($2))
  and ($3::text is null or volunteer_number = $3)
  and ($4::text is null or registry_number = $4)
order by volunteer_id limit $5;
