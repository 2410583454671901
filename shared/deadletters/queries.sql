-- name: insert_dead_letters
-- New ones only; the same record read again changes nothing.
insert into dead_letters (
    consumer_group, topic, partition, offset_, key, headers, value, fingerprint, kind, reason, attempts, traceparent,
    last_offset
)
select $1, topic, partition, offset_, key, headers::jsonb, value, fingerprint, kind, reason, attempts, traceparent,
    last_offset
from unnest(
    $2::text[], $3::int[], $4::bigint[], $5::bytea[], $6::text[], $7::bytea[], $8::bytea[], $9::text[], $10::text[],
    $11::int[], $12::text[], $13::bigint[]
) as batch (topic, partition, offset_, key, headers, value, fingerprint, kind, reason, attempts, traceparent,
    last_offset)
on conflict (consumer_group, topic, fingerprint) do nothing
returning id, fingerprint;

-- name: list_dead_letters
-- The engineers' list, newest first; what a record held stays here.
select id, consumer_group, topic, partition, offset_ as "offset", last_offset, kind, reason, attempts, status,
    first_seen_at
from dead_letters
where status = $1 and ($2::bigint is null or id < $2)
order by id desc
limit $3;
