-- name: append_one
-- The event of a request: a statement takes one round trip, where a copy takes two.
insert into outbox (event_id, topic, key, headers, value) values ($1, $2, $3, $4, $5);

-- name: take_relay_lock
-- One active relay per service; the lock lives as long as the session.
select pg_try_advisory_lock(hashtextextended('weiguang:relay:' || current_schema(), 0));

-- name: known_incarnation
-- The broker log that rows marked as sent were sent to.
select incarnation from relay_state;

-- name: adopt_incarnation
-- From now on "sent" means sent to this log.
insert into relay_state (incarnation) values ($1)
on conflict (single) do update set incarnation = excluded.incarnation;

-- name: unsend_everything
-- The new log is empty: all events go again, in the order of their ids; a new broker may take what another did not.
update outbox set sent_at = null, refused_at = null, refusal = null where sent_at is not null;

-- name: unsent
-- By state, never by "id greater than the last seen": identities commit out of order. By this one condition alone: with a
-- second one the planner, who knows no statistics of a young table, reads every entry that was ever in the index.
select id, event_id, topic, key, headers, value, created_at from outbox where sent_at is null order by id limit $1;

-- name: mark_refused
-- It will not be taken however often it is sent: it leaves the queue, so it has a time in "sent_at" as well; the row keeps
-- the event, and says why.
update outbox set refused_at = clock_timestamp(), sent_at = clock_timestamp(), refusal = $2 where id = $1;

-- name: retry_refused
-- A release or a broker with other limits may take them.
update outbox set sent_at = null, refused_at = null, refusal = null where refused_at is not null;

-- name: mark_sent
-- After the broker's acknowledgement only.
update outbox set sent_at = clock_timestamp() where id = any($1::bigint[]);

-- name: depth
-- What the relay still has to send (a pack counts by its events), how old the oldest of it is, in seconds, and what lies
-- aside (in the order of its index, for the planner's sake; a thousand show as much as more).
select coalesce(sum(
           case when key = '' and json_typeof(headers -> 'events') = 'number' then (headers ->> 'events')::integer else 1 end
       ), 0) as depth,
       coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8 as age,
       (select count(*) from (select from outbox where refused_at is not null order by id limit 1000) r) as refused
from outbox where sent_at is null;

-- name: prune
-- Sent long ago, to a broker that keeps its log.
delete from outbox where id in (
    select id from outbox where sent_at < clock_timestamp() - make_interval(days => $1) and refused_at is null
    order by id limit 10000
);
