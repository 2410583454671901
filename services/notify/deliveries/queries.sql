-- name: insert_inbox
-- The inbox cannot fail: its delivery is sent in the transaction that makes the message.
insert into deliveries (event_id, recipient_id, channel, message_id, status, attempts, not_before)
select event_id, recipient_id, 'inbox', message_id, 'sent', 1, $4
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as batch (event_id, recipient_id, message_id)
on conflict do nothing;

-- name: insert_email
-- For recipients who asked for e-mail; addresses are looked up at the moment of sending.
insert into deliveries (event_id, recipient_id, channel, message_id, status, not_before, next_attempt_at)
select event_id, recipient_id, 'email', message_id, 'pending', $4, $4
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as batch (event_id, recipient_id, message_id)
on conflict do nothing;

-- name: due
-- What may be tried now, in business time. Locked, and passed over by other workers.
select d.event_id, d.recipient_id, d.message_id, d.attempts, m.template, m.title, m.body, m.correlation_id,
       coalesce(d.first_attempt_at, $1) as first_attempt_at
from deliveries d join messages m using (message_id)
where d.status = 'pending' and d.channel = 'email' and d.not_before <= $1 and d.next_attempt_at <= $1
order by d.next_attempt_at
limit $2
for update of d skip locked;

-- name: postpone
-- Quiet hours: business time, because it is the volunteer's night.
update deliveries d set not_before = batch.until, updated_at = clock_timestamp()
from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as batch (event_id, recipient_id, until)
where d.event_id = batch.event_id and d.recipient_id = batch.recipient_id and d.channel = 'email';

-- name: suppress
-- The volunteer turned e-mail off while it waited.
update deliveries d set status = 'suppressed', updated_at = clock_timestamp()
from unnest($1::uuid[], $2::uuid[]) as batch (event_id, recipient_id)
where d.event_id = batch.event_id and d.recipient_id = batch.recipient_id and d.channel = 'email';

-- name: begin_attempts
-- Written and committed before the first byte leaves.
insert into delivery_attempts (event_id, recipient_id, channel, attempt, outcome, lease_until)
select event_id, recipient_id, 'email', attempt, 'attempting', clock_timestamp() + make_interval(secs => $4)
from unnest($1::uuid[], $2::uuid[], $3::smallint[]) as batch (event_id, recipient_id, attempt);

-- name: mark_attempting
-- The delivery shows what its attempt does, and keeps when the first one was.
update deliveries d
set status = 'attempting', attempts = batch.attempt, first_attempt_at = batch.first_attempt_at, updated_at = clock_timestamp()
from unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::timestamptz[])
    as batch (event_id, recipient_id, attempt, first_attempt_at)
where d.event_id = batch.event_id and d.recipient_id = batch.recipient_id and d.channel = 'email';

-- name: lock_delivery
-- In a statement of its own, before anything of it is read.
select 1 from deliveries where event_id = $1 and recipient_id = $2 and channel = 'email' for update;

-- name: finish_attempt
-- Also overtakes `unknown`: the maker of the attempt knows better than the lease that ran out meanwhile.
update delivery_attempts set outcome = $4, reason = $5, finished_at = clock_timestamp()
where event_id = $1 and recipient_id = $2 and channel = 'email' and attempt = $3 and outcome in ('attempting', 'unknown')
returning attempt;

-- name: settle_delivery
-- Where the delivery stands after its attempt, and when the next one is due in business time.
update deliveries set status = $3, next_attempt_at = coalesce($4, next_attempt_at), updated_at = clock_timestamp()
where event_id = $1 and recipient_id = $2 and channel = 'email';

-- name: withdraw_attempt
-- Nothing was attempted: the address book did not answer, so no server was asked.
delete from delivery_attempts
where event_id = $1 and recipient_id = $2 and channel = 'email' and attempt = $3 and outcome in ('attempting', 'unknown')
returning attempt;

-- name: put_back
-- The delivery waits as before the attempt that was withdrawn; the first attempt's time starts with the first real one.
update deliveries
set status = 'pending', attempts = $3 - 1, first_attempt_at = case when $3 = 1 then null else first_attempt_at end,
    next_attempt_at = $4, updated_at = clock_timestamp()
where event_id = $1 and recipient_id = $2 and channel = 'email';

-- name: expired
-- Attempts whose maker was not heard of again; locked, so that a late result waits for the verdict.
select d.event_id, d.recipient_id, d.message_id, a.attempt, m.template, m.title, m.body, m.correlation_id,
       coalesce(d.first_attempt_at, d.not_before) as first_attempt_at
from delivery_attempts a
join deliveries d using (event_id, recipient_id, channel)
join messages m using (message_id)
where a.outcome = 'attempting' and a.lease_until < clock_timestamp()
order by a.event_id, a.recipient_id
limit 100
for update of d skip locked;

-- name: counts
-- The report: how many deliveries stand where.
select channel, status, count(*) as number from deliveries group by channel, status order by channel, status;

-- name: message_counts
-- How many messages of each kind exist, and how many were read.
select template, count(*) as number, count(read_at) as read from messages group by template order by template;

-- name: not_sent
-- Deliveries that ended otherwise than sent, newest first, with the reason of their last attempt.
select d.event_id, d.recipient_id, d.channel, d.status, d.attempts, d.updated_at, m.template, m.correlation_id, a.reason
from deliveries d join messages m using (message_id)
left join delivery_attempts a on (a.event_id, a.recipient_id, a.channel, a.attempt)
    = (d.event_id, d.recipient_id, d.channel, d.attempts)
where d.status = $1 and d.status <> 'sent' and ($2::timestamptz is null or (d.updated_at, d.event_id, d.recipient_id) < ($2, $3::uuid, $4::uuid))
order by d.updated_at desc, d.event_id desc, d.recipient_id desc limit $5;
