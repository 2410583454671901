-- name: add_people
-- All people of a batch in one statement; a phone or ID number that is already known is left out and not returned.
insert into vault_people (person_id, resident_id, wrapped_key, sealed, phone_lookup, id_lookup, created_at, updated_at)
select person_id, resident_id, wrapped_key, sealed, phone_lookup, id_lookup, $7, $7
from unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[])
    as person (person_id, resident_id, wrapped_key, sealed, phone_lookup, id_lookup)
on conflict do nothing
returning person_id;

-- name: reseal_person
-- Somebody known as a resident registers as a volunteer: what they say now replaces what was on file.
update vault_people
set wrapped_key = $2, sealed = $3, id_lookup = coalesce($4, id_lookup), updated_at = $5
where person_id = $1
  and not exists (select from vault_people other where other.id_lookup = $4 and other.person_id <> $1)
returning person_id;

-- name: people_by_phone
-- Who already owns these phones, and which of them is a volunteer.
select person.person_id, person.phone_lookup, volunteer.volunteer_id, volunteer.claimed_at
from vault_people person
left join volunteers volunteer on volunteer.person_id = person.person_id
where person.phone_lookup = any($1::bytea[]);

-- name: person_by_phone_locked
-- The same for one phone, holding the row so that nobody registers it meanwhile.
select person_id from vault_people where phone_lookup = $1 for update;

-- name: sealed_people
-- What is stored about people, to be opened in memory.
select person_id, wrapped_key, sealed from vault_people where person_id = any($1::uuid[]);

-- name: record_read
-- An unmasked read is itself recorded, in the transaction that reads.
insert into vault_reads (read_id, person_id, reader, reader_role, fields, purpose, read_at)
values ($1, $2, $3, $4, $5, $6, $7);

-- name: reads_of_person
-- Who looked: the person may ask.
select read_id, reader, reader_role, fields, purpose, read_at
from vault_reads where person_id = $1 order by read_at desc, read_id desc limit $2;
