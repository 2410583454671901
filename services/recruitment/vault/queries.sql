-- name: add_people
-- All people of a batch in one statement; a phone or ID number that is already known is left out and not returned.
insert into vault_people
    (person_id, resident_id, wrapped_key, sealed, phone_lookup, id_lookup, lookup_key_id, created_at, updated_at)
select person_id, resident_id, wrapped_key, sealed, phone_lookup, id_lookup, $7, $8, $8
from unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[])
    as person (person_id, resident_id, wrapped_key, sealed, phone_lookup, id_lookup)
on conflict do nothing
returning person_id;

-- name: lock_lookups
-- While keys overlap, equal phones may have different hashes: two processes that insert one wait here for each other.
select pg_advisory_xact_lock(hashtextextended(encode(lookup, 'hex'), 4712))
from unnest($1::bytea[]) with ordinality as asked (lookup, place) order by place;

-- name: known_lookups
-- Which of these hashes are on file, under whichever key they were made.
select phone_lookup as lookup from vault_people where phone_lookup = any($1::bytea[])
union all
select id_lookup from vault_people where id_lookup = any($1::bytea[]);

-- name: reseal_person
-- Somebody known as a resident registers as a volunteer: what they say now replaces what was on file.
update vault_people
set wrapped_key = $2, sealed = $3, phone_lookup = $4, id_lookup = $5, lookup_key_id = $7, updated_at = $8
where person_id = $1
  and not exists (select from vault_people other where other.id_lookup = any($6::bytea[]) and other.person_id <> $1)
returning person_id;

-- name: people_by_phone
-- Who already owns these phones, and which of them is a volunteer.
select person.person_id, person.phone_lookup, volunteer.volunteer_id, volunteer.claimed_at
from vault_people person
left join volunteers volunteer on volunteer.person_id = person.person_id
where person.phone_lookup = any($1::bytea[]);

-- name: person_by_phone_locked
-- The same for one phone, holding the row so that nobody registers it meanwhile.
select person_id from vault_people where phone_lookup = any($1::bytea[]) for update;

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
