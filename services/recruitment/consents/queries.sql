-- name: add_consents
-- A consent is given once per version and never changes.
insert into consents (volunteer_id, version, accepted_at, guardian)
select volunteer_id, $2, $3, $4 from unnest($1::uuid[]) as given (volunteer_id)
on conflict do nothing;

-- name: latest
-- What the volunteer agreed to last.
select version, accepted_at, guardian from consents where volunteer_id = $1 order by version desc limit 1;

-- name: person_of
-- Whose date of birth says whether a guardian has to agree.
select person_id from volunteers where volunteer_id = $1;
