-- States that say what happened: refused only by the server, undelivered after two days of trying, undeliverable where
-- the address cannot be written to.
alter table deliveries drop constraint deliveries_status_check;
alter table deliveries add constraint deliveries_status_check check (status in
    ('pending', 'attempting', 'sent', 'refused', 'undelivered', 'undeliverable', 'unknown', 'no_address', 'suppressed'));
alter table delivery_attempts drop constraint delivery_attempts_outcome_check;
alter table delivery_attempts add constraint delivery_attempts_outcome_check check (outcome in
    ('attempting', 'sent', 'deferred', 'refused', 'undeliverable', 'unknown', 'no_address'));

-- Business time of the first attempt; retries end two days after it. Pauses are business time too from here on.
alter table deliveries add column first_attempt_at timestamptz;
update deliveries set first_attempt_at = not_before where channel = 'email' and attempts > 0;
update deliveries set next_attempt_at = not_before where status = 'pending';

-- What was called refused although no server refused it.
update delivery_attempts set outcome = 'undeliverable'
where outcome = 'refused' and reason in ('address is not one', 'letter cannot be rendered');
update deliveries d set status = case a.outcome when 'deferred' then 'undelivered' else 'undeliverable' end
from (
    select distinct on (event_id, volunteer_id, channel) event_id, volunteer_id, channel, outcome
    from delivery_attempts order by event_id, volunteer_id, channel, attempt desc
) a
where d.status = 'refused' and (a.event_id, a.volunteer_id, a.channel) = (d.event_id, d.volunteer_id, d.channel)
  and a.outcome in ('deferred', 'undeliverable');
