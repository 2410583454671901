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

-- name: volunteers_of_people
-- The volunteers that these people are, within the caller's sites (none: all), in the order of the people.
select v.volunteer_id, v.person_id, v.volunteer_number, v.registry, v.registry_number, v.source, v.drive_id, v.appeal_id,
       v.site_id, v.registered_at, v.prior_minutes, v.claimed_at
from unnest($1::uuid[]) with ordinality as known (person_id, place) join volunteers v using (person_id)
where $2::uuid[] is null or v.site_id = any($2)
order by known.place limit $3;

-- name: volunteer_numbers
-- Numbers to show in place of ids, in the order of the numbers.
select volunteer_id, volunteer_number from volunteers where volunteer_id = any($1::uuid[]) order by volunteer_number;
