-- name: publish_event
-- What recruitment's outbox holds of a record.
insert into recruitment.outbox (event_id, topic, key, headers, value, sent_at)
values ($1::uuid, 'attendance', $2, '{}', $3, case when $4 then now() end);

-- name: dead_letter
-- A record that the ingest put aside.
insert into points.dead_letters (consumer_group, topic, partition, offset_, headers, value, fingerprint, kind, reason,
                                 status)
values ('points-ingest', 'volunteering.attendance.v1', 0, 0, '{}', $1, $1, $2, 'planted', $3);

-- name: reduce_letters
-- Bytes of decided letters have become a hash; the attributes are left.
update points.dead_letters set value_sha256 = sha256(value), value = null,
    headers = jsonb_build_object('ce_aggregateid', $1::text, 'ce_aggregateversion', '1');

-- name: message
-- A message to a volunteer.
insert into notify.messages (message_id, event_id, recipient_id, template, template_version, title, body, correlation_id,
                             created_at)
values ($1, $2, $3, 'star_reached', 1, '', '', 'planted', now());

-- name: delivery
-- Its delivery by e-mail, done.
insert into notify.deliveries (event_id, recipient_id, channel, message_id, status, attempts, not_before)
values ($1, $2, 'email', $3, 'sent', 1, now());

-- name: attempt
-- One attempt at it.
insert into notify.delivery_attempts (event_id, recipient_id, channel, attempt, outcome, lease_until)
values ($1, $2, 'email', $3, $4, now());

-- name: change_transfer
-- A1: one point more than was posted.
update points.transfers set amount = amount + 1 where volunteer_id = $1 and code = 'award' and bucket like 'day/%';

-- name: delete_transfer
-- A1: an award vanishes.
delete from points.transfers where volunteer_id = $1 and code = 'award' and bucket like 'day/%';

-- name: insert_transfer
-- A1: an award twice.
insert into points.transfers (volunteer_id, code, debit, credit, amount, bucket, expires_on, bucket_version, rule_version,
                              lot_bucket, lot_expires_on, posting_id, cause_event_id, correlation_id, posted_at)
select volunteer_id, code, debit, credit, amount, bucket, expires_on, bucket_version, rule_version, lot_bucket,
       lot_expires_on, posting_id, cause_event_id, correlation_id, posted_at
from points.transfers where volunteer_id = $1 and code = 'award' and bucket like 'day/%';

-- name: one_transfer
-- A row to be tampered with by the owner.
select min(transfer_id) from points.transfers where volunteer_id = $1 and code = $2
    and coalesce(bucket, lot_bucket, '') like 'day/%';

-- name: change_one_transfer
-- One point more.
update points.transfers set amount = amount + 1 where transfer_id = $1 returning transfer_id;

-- name: delete_one_transfer
-- It never happened.
delete from points.transfers where transfer_id = $1 returning transfer_id;

-- name: insert_one_transfer
-- It happened twice.
insert into points.transfers (volunteer_id, code, debit, credit, amount, bucket, expires_on, bucket_version, rule_version,
                              lot_bucket, lot_expires_on, pending_id, posting_id, cause_event_id, correlation_id, posted_at)
select volunteer_id, code, debit, credit, amount, bucket, expires_on, bucket_version, rule_version, lot_bucket,
       lot_expires_on, pending_id, posting_id, cause_event_id, correlation_id, posted_at
from points.transfers where transfer_id = $1 returning transfer_id;

-- name: award_into_another_lot
-- A1: the points of a day's award lie in the lot of the first service.
update points.transfers t set lot_bucket = l.bucket, lot_expires_on = l.expires_on from points.lots l
where t.volunteer_id = $1 and t.code = 'award' and t.bucket = 'day/2026-01-10'
  and l.volunteer_id = t.volunteer_id and l.bucket = 'life/first-service';

-- name: change_first_version
-- A4: what a bucket was worth before a correction.
update points.bucket_history set points = points + 7 where volunteer_id = $1 and bucket = 'day/2026-01-10' and version = 1;

-- name: expire_early
-- A1: points taken away before their day, with every sum adjusted.
with lot as (
    update points.lots set available = available - 1, expired = expired + 1
    where volunteer_id = $1 and available > 0 and bucket like 'day/%' returning bucket, expires_on
), row as (
    update points.volunteers set available = available - (select count(*) from lot),
                                 expired = expired + (select count(*) from lot) where volunteer_id = $1
)
insert into points.transfers (volunteer_id, code, debit, credit, amount, lot_bucket, lot_expires_on, posting_id,
                              cause_event_id, correlation_id, posted_at)
select $1, 'expiry', 1, 5, 1, bucket, expires_on, gen_random_uuid(), gen_random_uuid(), 'planted', '2026-03-04' from lot;

-- name: release_and_hold_again
-- A2: points that were given back and taken again, which no status says.
insert into points.transfers (volunteer_id, code, debit, credit, amount, lot_bucket, lot_expires_on, pending_id, posting_id,
                              cause_event_id, correlation_id, posted_at)
select volunteer_id, step.name, step.debit, step.credit, amount, lot_bucket, lot_expires_on, pending_id, posting_id,
       cause_event_id, correlation_id, posted_at
from points.transfers, (values ('release', 2, 1), ('hold', 1, 2)) as step (name, debit, credit)
where volunteer_id = $1 and transfers.code = 'hold';

-- name: change_lot
-- A1: points that never expired.
update points.lots set expired = expired + 5 where volunteer_id = $1 and bucket like 'day/%';

-- name: transfer_without_lot
-- A1: points that moved outside of any lot.
update points.transfers set lot_bucket = null, lot_expires_on = null where volunteer_id = $1 and code = 'hold';

-- name: debt_beside_points
-- A2: who has points owes none.
update points.volunteers set debt = 7 where volunteer_id = $1;

-- name: empty_hold
-- A2: a hold without transfers.
insert into points.holds (hold_id, volunteer_id, points, expires_at, cause_event_id, correlation_id, held_at)
values ($1, $2, 5, now(), $1, 'planted', now());

-- name: forget_event
-- A3: the event left the outbox.
delete from recruitment.outbox where value = $1;

-- name: change_record
-- A3: another content.
update points.records set theme = 'other' where record_id = $1;

-- name: change_superseded
-- A3: what was known before is not what was reported.
update points.superseded_revisions set content = content || '{"minutes": 1}' where record_id = $1;

-- name: change_superseded_kind
-- A3: another kind of service than was reported.
update points.superseded_revisions set content = content || '{"kind": "other"}' where record_id = $1;

-- name: change_superseded_site
-- A3: a place that nobody reported.
update points.superseded_revisions set content = content || '{"site_id": null}' where record_id = $1;

-- name: shorten_record
-- A3, A4, A5: fewer minutes.
update points.records set minutes = 60 where record_id = $1;

-- name: change_bucket
-- A4: a point more than the rule says.
update points.buckets set points = points + 1 where volunteer_id = $1 and bucket like 'day/2026-01%';

-- name: change_explanation
-- A4: a reason that is none.
update points.buckets set explanation = '{"records": []}' where volunteer_id = $1 and bucket like 'day/2026-01%';

-- name: lower_flag
-- A4: somebody's record is let off behind the case's back.
update points.record_flags set standing = false where record_id = $1;

-- name: forget_flags
-- A4: the counter says that there is nothing to ask about.
update points.volunteers set standing_flags = 0 where volunteer_id = $1;

-- name: clear_case
-- A4: cleared, and the points stay away.
update points.cases set status = 'cleared', settled_at = now(), settled_by = case_id, reason = 'planted';

-- name: change_rule
-- A4: a rule that does not exist.
update points.buckets set rule_version = 99 where volunteer_id = $1;

-- name: change_badge
-- A5: one star gone, five out of nowhere.
update points.badge_awards set badge = 'star-5' where volunteer_id = $1 and badge = 'star-1';

-- name: change_badge_figures
-- A5: a week more than was served.
update points.volunteers set badge_figures = replace(badge_figures, '"best":1', '"best":4') where volunteer_id = $1;

-- name: spend_from_nowhere
-- A6: spent what was never issued.
update points.volunteers set spent = spent + 3 where volunteer_id = $1;

-- name: stock_from_nowhere
-- A7: an item more.
update points.reward_stock set free = free + 1;

-- name: stock_below_zero
-- A7: adds up and cannot be.
update points.reward_stock set free = -1, reserved = 3;

-- name: receipt_changed
-- A7: more came in than lies there.
update points.reward_receipt set quantity = quantity + 1;

-- name: count_with_its_receipt
-- A count that found one item more, as it should be.
with shelf as (
    select reward_id, site_id, received_at, received_by from points.reward_receipt limit 1
), more as (
    update points.reward_stock s set received = received + 1, free = free + 1
    from shelf where (s.reward_id, s.site_id) = (shelf.reward_id, shelf.site_id)
), receipt as (
    insert into points.reward_receipt (receipt_id, reward_id, site_id, quantity, received_at, received_by)
    select $1, reward_id, site_id, 1, received_at, received_by from shelf
)
insert into points.reward_count
    (count_id, reward_id, site_id, counted, expected, reason, receipt_id, counted_at, counted_by)
select $1, reward_id, site_id, 8, 7, 'found', $1, received_at, received_by from shelf;

-- name: count_changed
-- A7: found more than came in by it.
update points.reward_count set counted = counted + 1;

-- name: count_without_its_receipt
-- A7: a difference that nothing accounts for.
update points.reward_count set receipt_id = null;

-- name: count_of_another_shelf
-- A7: its difference went to somewhere else.
update points.reward_count set site_id = $1;

-- name: redemption_gone
-- A7: reserved for nobody.
delete from points.redemption;

-- name: redemption_captured
-- A7: handed over and still on the shelf.
update points.redemption set status = 'captured', settled_at = now();

-- name: redemption_cheaper
-- A7: another price than its hold.
update points.redemption set points = points - 1;

-- name: attempts_gone
-- A8: sent, and never tried.
delete from notify.delivery_attempts;

-- name: team_figure
-- A5: one service more of all time than was counted.
update points.teams set figures = jsonb_set(figures, '{"", 0}', '51') where team_id = $1;

-- name: team_badge
-- A5: a badge that no services earn.
update points.teams set badges = '{team-500}' where team_id = $1;

-- name: team_award_gone
-- A5: an award that nobody took away.
delete from points.team_badge_awards where team_id = $1 and badge = 'team-50';

-- name: team_day
-- A5: one service fewer on a day.
update points.team_days set credit = credit - 1 where team_id = $1;

-- name: team_gone
-- A5: services of a team that nobody has heard of; its awards go too.
with gone as (delete from points.team_badge_awards where team_id = $1)
delete from points.teams where team_id = $1;

-- name: team_service
-- A5: a service that is no longer counted.
update points.team_services set counted_as = null where record_id = $1;
