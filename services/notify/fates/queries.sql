-- name: messages_of_event
-- The messages that an event made.
select message_id, created_at from messages where event_id = $1 order by message_id;

-- name: version_of
-- The highest version seen of an aggregate.
select version from seen_versions where aggregate_id = $1;

-- name: messages_exist
-- Which of these events have made their messages.
select distinct event_id from messages where event_id = any($1::uuid[]);

-- name: versions_seen
-- Which of these would be old news: their aggregate was seen at this version or a later one.
select batch.place from unnest($1::int[], $2::text[], $3::bigint[]) as batch (place, aggregate_id, version)
join seen_versions s on s.aggregate_id = batch.aggregate_id and s.version >= batch.version;
