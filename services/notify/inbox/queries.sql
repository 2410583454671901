-- name: versions
-- What is already known of the aggregates of this batch.
select aggregate_id, version from seen_versions where aggregate_id = any($1::text[]);

-- name: remember_versions
-- Sorted by the caller, so that two workers never wait for each other in a circle; never backwards.
insert into seen_versions (aggregate_id, version)
select * from unnest($1::text[], $2::bigint[])
on conflict (aggregate_id) do update set version = excluded.version
where seen_versions.version < excluded.version;

-- name: stars
-- The highest star each of these volunteers was notified of.
select volunteer_id, level from stars_told where volunteer_id = any($1::uuid[]);

-- name: remember_stars
-- May go down: a revoked star is news when it comes back.
insert into stars_told (volunteer_id, level)
select * from unnest($1::uuid[], $2::smallint[])
on conflict (volunteer_id) do update set level = excluded.level;

-- name: titles
-- What the activities of this batch are called.
select activity_id, title from activity_titles where activity_id = any($1::uuid[]);

-- name: remember_titles
-- The first title heard is kept: a message quotes what the volunteer signed up for.
insert into activity_titles (activity_id, title)
select * from unnest($1::uuid[], $2::text[])
on conflict (activity_id) do nothing;

-- name: insert_messages
-- The inbox of a whole batch in one statement; only what is new comes back, so a repeated event does nothing.
insert into messages (message_id, event_id, recipient_id, template, template_version, title, body, correlation_id, created_at, params)
select message_id, event_id, recipient_id, template, template_version, title, body, correlation_id, $9, params::jsonb
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::integer[], $6::text[], $7::text[], $8::text[], $10::text[])
    as batch (message_id, event_id, recipient_id, template, template_version, title, body, correlation_id, params)
on conflict (event_id, recipient_id) do nothing
returning message_id;

-- name: page
-- One recipient's messages, newest first, from where the last page ended.
select message_id, title, body, template, created_at, read_at, correlation_id, params
from messages
where recipient_id = $1
  and ($2::timestamptz is null or (created_at, message_id) < ($2::timestamptz, $3::uuid))
order by created_at desc, message_id desc
limit $4;

-- name: unread
-- The number on the badge of the inbox.
select count(*) from messages where recipient_id = $1 and read_at is null;

-- name: page_with_role
-- The same for an account and a role that it holds: of the role's messages, the reads are its own.
select message.message_id, title, body, template, created_at, coalesce(message.read_at, own.read_at) as read_at, correlation_id, params
from messages as message left join role_reads as own on own.message_id = message.message_id and own.reader_id = $1
where recipient_id in ($1, $5)
  and ($2::timestamptz is null or (created_at, message.message_id) < ($2::timestamptz, $3::uuid))
order by created_at desc, message.message_id desc
limit $4;

-- name: unread_with_role
-- The role's messages of a month ago were for those who held it then.
select count(*) from messages as message
where (recipient_id = $1 and read_at is null) or (recipient_id = $2 and message.read_at is null and created_at > $3::timestamptz - interval '30 days'
    and not exists (select from role_reads where message_id = message.message_id and reader_id = $1));

-- name: mark_role_read
-- The reader's own mark on a message of a role; reading twice keeps the first time.
with message as (
    select message_id, title, body, template, created_at, correlation_id, params from messages
    where message_id = $1 and recipient_id = $3
), mark as (
    insert into role_reads (message_id, reader_id, read_at) select message_id, $2, $4 from message
    on conflict (message_id, reader_id) do update set read_at = role_reads.read_at
    returning message_id, read_at
)
select * from message join mark using (message_id);

-- name: mark_read
-- One's own only; reading twice keeps the first time.
update messages set read_at = coalesce(read_at, $3)
where message_id = $1 and recipient_id = $2
returning message_id, title, body, template, created_at, read_at, correlation_id, params;
