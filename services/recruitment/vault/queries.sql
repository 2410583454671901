-- name: add_people
-- All people of a batch in one statement; a phone or ID number that is already known is left out and not returned.
insert into vault_people
    (person_id, resident_id, wrapped_key, sealed, phone_lookup, id_lookup, lookup_key_id, created_at, updated_at, name_lookup)
select person_id, resident_id, wrapped_key, sealed, phone_lookup, id_lookup, $7, $8, $8, name_lookup
from unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[], $9::bytea[])
    as person (person_id, resident_id, wrapped_key, sealed, phone_lookup, id_lookup, name_lookup)
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
-- A person known as a resident registers as a volunteer: what they say now replaces what was on file.
update vault_people
set wrapped_key = $2, sealed = $3, phone_lookup = $4, id_lookup = $5, lookup_key_id = $7, updated_at = $8,
    name_lookup = $9
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
-- The same for one phone, holding the row so that it is not registered meanwhile.
select person_id from vault_people where phone_lookup = any($1::bytea[]) for update;

-- name: people_known_as
-- People by the keyed hash of their name or phone, newest first; a name may be many people's.
select person_id from vault_people where name_lookup = any($1::bytea[]) or phone_lookup = any($2::bytea[])
order by created_at desc, person_id limit $3;

-- name: unnamed_people
-- People from before names were hashed, beyond the last row seen; locked, so that what they say now is not lost.
select person_id, wrapped_key, sealed from vault_people
where name_lookup is null and ($1::uuid is null or person_id > $1) order by person_id limit $2 for no key update;

-- name: name_people
-- The hashes of their names.
update vault_people person set name_lookup = named.name_lookup
from unnest($1::uuid[], $2::bytea[]) as named (person_id, name_lookup) where person.person_id = named.person_id;

-- name: sealed_people
-- What is stored about people, to be opened in memory.
select person_id, wrapped_key, sealed from vault_people where person_id = any($1::uuid[]);

-- name: record_read
-- An unmasked read is itself recorded, in the transaction that reads.
insert into vault_reads (read_id, person_id, reader, reader_role, fields, purpose, read_at)
values ($1, $2, $3, $4, $5, $6, $7);

-- name: lock_reader
-- The looks of one reader are counted one after the other.
select pg_advisory_xact_lock(hashtextextended('vault-reads:' || $1::uuid, 0));

-- name: last_reads
-- When a reader read lately, newest first: what the quota counts.
select read_at from vault_reads where reader = $1 and read_at > $2 order by read_at desc limit $3;

-- name: looks_at_volunteer
-- Who read a volunteer's data, newest first by keyset; messages that were addressed are no looks of people.
select read.read_id, read.reader_role, read.fields, read.purpose, read.read_at, site.site_id, site.name as site
from volunteers volunteer
join vault_reads read on read.person_id = volunteer.person_id
left join staff on staff.staff_id = read.reader
left join sites site on site.site_id = staff.site_id
where volunteer.volunteer_id = $1 and read.reader_role <> 'service'
  and ($2::timestamptz is null or (read.read_at, read.read_id) < ($2, $3::uuid))
order by read.read_at desc, read.read_id desc limit $4;

-- name: looks
-- All looks of people, newest first by keyset, of one reader or at one volunteer or in a time.
select read.read_id, read.reader, staff.username, read.reader_role, read.fields, read.purpose, read.read_at, site.site_id,
       site.name as site, volunteer.volunteer_id, volunteer.volunteer_number
from vault_reads read
left join volunteers volunteer on volunteer.person_id = read.person_id
left join staff on staff.staff_id = read.reader
left join sites site on site.site_id = staff.site_id
where read.reader_role <> 'service'
  and ($1::uuid is null or read.reader = $1) and ($2::uuid is null or volunteer.volunteer_id = $2)
  and ($3::timestamptz is null or read.read_at >= $3) and ($4::timestamptz is null or read.read_at < $4)
  and ($5::timestamptz is null or (read.read_at, read.read_id) < ($5, $6::uuid))
order by read.read_at desc, read.read_id desc limit $7;

-- name: sealed_person_locked
-- A person about to change, held so that two changes queue.
select wrapped_key, sealed from vault_people where person_id = $1 for update;
