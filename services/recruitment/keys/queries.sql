-- name: people_by_key
-- How many people lie under which keys; a wrapped key of 60 bytes is of before keys had names.
select case when octet_length(wrapped_key) = 60 then '1'
            else convert_from(substring(wrapped_key from 3 for get_byte(wrapped_key, 1)), 'UTF8') end as vault_key,
       lookup_key_id as lookup_key, count(*) as rows
from vault_people group by 1, 2 order by 1, 2;

-- name: stale_people
-- People under another key than the current ones, beyond the last row seen; locked, so that what they say now is not lost.
select person_id, wrapped_key, sealed from vault_people
where ($4::uuid is null or person_id > $4)
  and (octet_length(wrapped_key) = 60 or substring(wrapped_key from 1 for octet_length($1::bytea)) <> $1
       or lookup_key_id <> $2)
order by person_id limit $3 for no key update;

-- name: rewrap_people
-- The same people under the current keys.
update vault_people person
set wrapped_key = fresh.wrapped_key, phone_lookup = fresh.phone_lookup, id_lookup = fresh.id_lookup,
    name_lookup = fresh.name_lookup, lookup_key_id = $5
from unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::bytea[], $6::bytea[])
    as fresh (person_id, wrapped_key, phone_lookup, id_lookup, name_lookup)
where person.person_id = fresh.person_id;
