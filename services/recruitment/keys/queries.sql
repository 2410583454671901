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

-- name: evidence_by_key
-- How many pieces of evidence lie under which key.
select case when octet_length(wrapped_key) = 60 then '1'
            else convert_from(substring(wrapped_key from 3 for get_byte(wrapped_key, 1)), 'UTF8') end as key_id,
       count(*) as rows
from attendance_evidence group by 1 order by 1;

-- name: stale_evidence
-- Evidence under another key than the current one, beyond the last row seen.
select record_id, revision, volunteer_id, wrapped_key from attendance_evidence
where ($3::uuid is null or (record_id, revision) > ($3, $4::integer))
  and (octet_length(wrapped_key) = 60 or substring(wrapped_key from 1 for octet_length($1::bytea)) <> $1)
order by record_id, revision limit $2 for no key update;

-- name: rewrap_evidence
-- The same evidence under the current key.
update attendance_evidence evidence set wrapped_key = fresh.wrapped_key
from unnest($1::uuid[], $2::integer[], $3::bytea[]) as fresh (record_id, revision, wrapped_key)
where (evidence.record_id, evidence.revision) = (fresh.record_id, fresh.revision);

-- name: order_texts_by_key
-- How many texts about orders lie under which key.
select case when octet_length(wrapped_key) = 60 then '1'
            else convert_from(substring(wrapped_key from 3 for get_byte(wrapped_key, 1)), 'UTF8') end as key_id,
       count(*) as rows
from order_texts group by 1 order by 1;

-- name: stale_order_texts
-- Texts about orders under another key than the current one, beyond the last row seen.
select text_id, owner_id, wrapped_key from order_texts
where ($3::uuid is null or text_id > $3)
  and (octet_length(wrapped_key) = 60 or substring(wrapped_key from 1 for octet_length($1::bytea)) <> $1)
order by text_id limit $2 for no key update;

-- name: rewrap_order_texts
-- The same texts under the current key.
update order_texts kept set wrapped_key = fresh.wrapped_key
from unnest($1::uuid[], $2::bytea[]) as fresh (text_id, wrapped_key) where kept.text_id = fresh.text_id;

-- name: devices_by_key
-- How many device secrets lie under which key.
select case when octet_length(secret_key) = 60 then '1'
            else convert_from(substring(secret_key from 3 for get_byte(secret_key, 1)), 'UTF8') end as key_id,
       count(*) as rows
from devices where secret_key is not null group by 1 order by 1;

-- name: stale_devices
-- Device secrets under another key than the current one, beyond the last row seen.
select device_id, secret_key as wrapped_key from devices
where secret_key is not null and ($3::uuid is null or device_id > $3)
  and (octet_length(secret_key) = 60 or substring(secret_key from 1 for octet_length($1::bytea)) <> $1)
order by device_id limit $2 for no key update;

-- name: rewrap_devices
-- The same secrets under the current key.
update devices device set secret_key = fresh.wrapped_key
from unnest($1::uuid[], $2::bytea[]) as fresh (device_id, wrapped_key)
where device.device_id = fresh.device_id;

-- name: factors_by_key
-- How many secrets of second factors lie under which key.
select case when octet_length(wrapped_key) = 60 then '1'
            else convert_from(substring(wrapped_key from 3 for get_byte(wrapped_key, 1)), 'UTF8') end as key_id,
       count(*) as rows
from staff_second_factors group by 1 order by 1;

-- name: stale_factors
-- Secrets of second factors under another key than the current one, beyond the last row seen.
select staff_id, wrapped_key from staff_second_factors
where ($3::uuid is null or staff_id > $3)
  and (octet_length(wrapped_key) = 60 or substring(wrapped_key from 1 for octet_length($1::bytea)) <> $1)
order by staff_id limit $2 for no key update;

-- name: rewrap_factors
-- The same secrets under the current key.
update staff_second_factors factor set wrapped_key = fresh.wrapped_key
from unnest($1::uuid[], $2::bytea[]) as fresh (staff_id, wrapped_key)
where factor.staff_id = fresh.staff_id;

-- name: messages_by_key
-- How many words of messages to a shift lie under which key.
select convert_from(substring(wrapped_key from 3 for get_byte(wrapped_key, 1)), 'UTF8') as key_id, count(*) as rows
from shift_messages where wrapped_key is not null group by 1 order by 1;

-- name: stale_messages
-- Words of messages under another key than the current one, beyond the last row seen.
select message_id, wrapped_key from shift_messages
where wrapped_key is not null and ($3::uuid is null or message_id > $3)
  and substring(wrapped_key from 1 for octet_length($1::bytea)) <> $1
order by message_id limit $2 for no key update;

-- name: rewrap_messages
-- The same words under the current key.
update shift_messages message set wrapped_key = fresh.wrapped_key
from unnest($1::uuid[], $2::bytea[]) as fresh (message_id, wrapped_key)
where message.message_id = fresh.message_id;

-- name: phone_changes_by_key
-- How much evidence of changed phones lies under which key.
select convert_from(substring(wrapped_key from 3 for get_byte(wrapped_key, 1)), 'UTF8') as key_id, count(*) as rows
from phone_changes where wrapped_key is not null group by 1 order by 1;

-- name: stale_phone_changes
-- Evidence of changed phones under another key than the current one, beyond the last row seen.
select change_id, wrapped_key from phone_changes
where wrapped_key is not null and ($3::uuid is null or change_id > $3)
  and substring(wrapped_key from 1 for octet_length($1::bytea)) <> $1
order by change_id limit $2 for no key update;

-- name: rewrap_phone_changes
-- The same evidence under the current key.
update phone_changes change set wrapped_key = fresh.wrapped_key
from unnest($1::uuid[], $2::bytea[]) as fresh (change_id, wrapped_key)
where change.change_id = fresh.change_id;
