-- name: drivable
-- Production must not run on a database whose business time can be driven.
select drivable from business.clock;

-- name: rows_by_key
-- How many rows of a sealed table lie under which key; a wrapped key of 60 bytes is of before keys had names.
select case when octet_length({wrapped}) = 60 then '1'
            else convert_from(substring({wrapped} from 3 for get_byte({wrapped}, 1)), 'UTF8') end as key_id,
       count(*) as rows
from {table} where {wrapped} is not null group by 1 order by 1;

-- name: stale_rows
-- Rows under another key than the current one, beyond the last row seen; locked, so that what they say now is not lost.
select {columns}, {wrapped} as wrapped_key from {table}
where {wrapped} is not null and ($3::uuid is null or ({key}) > ({place}))
  and (octet_length({wrapped}) = 60 or substring({wrapped} from 1 for octet_length($1::bytea)) <> $1)
order by {key} limit $2 for no key update;

-- name: rewrap_rows
-- The same rows under the current key.
update {table} kept set {wrapped} = fresh.wrapped_key
from unnest({arrays}, {wrapped_keys}::bytea[]) as fresh ({key}, wrapped_key)
where {same};
