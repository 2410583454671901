-- name: insert_activation
-- A proposal; nothing comes into force by it. One per draft.
insert into activations (activation_id, version, rehearsal_id, reason, proposed_by, proposed_at, correlation_id,
                         proposer_makers)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (version) where status = 'proposed' do nothing returning activation_id;

-- name: insert_step
-- Evidence, in order; the activation's row is locked or new.
insert into activation_steps (activation_id, number, act, acted_by, acted_at, note)
select $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5 from activation_steps where activation_id = $1;

-- name: list_steps
-- Who said and did what.
select number, act, acted_by, acted_at, note from activation_steps where activation_id = $1 order by number;

-- name: find_activation
-- One of them as it stands.
select activation_id, version, rehearsal_id, status, reason, proposed_by, proposed_at, decided_by, decided_at,
       reversal_reason, reversal_proposed_by, reversal_proposed_at, reversal_decided_by, reversal_decided_at, generation,
       reversal_generation, volunteers_total, volunteers_moved, predicted_total, actual_total, other_total, reversed_total,
       late, problem, settled_at, correlation_id, proposer_makers, reversal_proposer_makers
from activations where activation_id = $1;

-- name: lock_activation
-- Decisions about one activation, and the mover's counts, come one after the other; read in a later statement.
select activation_id from activations where activation_id = $1 for no key update;

-- name: list_activations
-- Newest first by keyset.
select activation_id, version, rehearsal_id, status, reason, proposed_by, proposed_at, decided_by, decided_at,
       reversal_reason, reversal_proposed_by, reversal_proposed_at, reversal_decided_by, reversal_decided_at, generation,
       reversal_generation, volunteers_total, volunteers_moved, predicted_total, actual_total, other_total, reversed_total,
       late, problem, settled_at, correlation_id, proposer_makers, reversal_proposer_makers
from activations where $1::uuid is null or activation_id < $1 order by activation_id desc limit $2;

-- name: activation_under_way
-- The one that moves volunteers now, whether it goes on or has stopped.
select activation_id from activations where status in ('applying', 'reversing');

-- name: find_rehearsal
-- What a proposal rests on, and whether other rules came into force, or were settled, after what it saw; one of which
-- the differences are forgotten is outdated too. Locked, so that they are not forgotten while it is being proposed.
select r.version, r.status, r.as_if_from is not null as as_if, r.forgotten_at is not null or
       coalesce(exists (select from rule_generations g where not pg_visible_in_snapshot(g.made_in, r.watermark))
           or exists (select from activations a where not pg_visible_in_snapshot(a.settled_in, r.watermark)), true) as outdated
from rehearsals r where r.rehearsal_id = $1 for share;

-- name: settle_proposal
-- Decided; an approval names the generation that it makes.
update activations set status = $2, decided_by = $3, decided_at = $4, generation = $5 where activation_id = $1;

-- name: propose_reversal
-- An earlier proposal that was turned down stays among the steps.
update activations set reversal_reason = $2, reversal_proposed_by = $3, reversal_proposed_at = $4, reversal_proposer_makers = $5
where activation_id = $1;

-- name: drop_reversal
-- Turned down or withdrawn: it may be proposed again.
update activations set reversal_reason = null, reversal_proposed_by = null, reversal_proposed_at = null,
    reversal_proposer_makers = '{}'
where activation_id = $1;

-- name: begin_reversal
-- Everybody is to move again, so the count begins anew.
update activations set status = 'reversing', reversal_decided_by = $2, reversal_decided_at = $3, reversal_generation = $4,
    volunteers_total = null, volunteers_moved = 0, problem = null
where activation_id = $1;

-- name: stop
-- The move stands where it is, for a reason, or goes on.
update activations set problem = $2 where activation_id = $1;

-- name: settle
-- No volunteer is left: applied, or reversed.
update activations set status = $2, settled_in = pg_current_xact_id(), settled_at = $3 where activation_id = $1;

-- name: count_move
-- Progress and totals, in the transaction of the batch.
update activations set volunteers_moved = volunteers_moved + $2,
    volunteers_total = coalesce(volunteers_total, $3), predicted_total = predicted_total + $4,
    actual_total = actual_total + $5, other_total = other_total + $6, reversed_total = reversed_total + $7, late = late + $8
where activation_id = $1;

-- name: mover_alone
-- Two workers don't race for the same volunteers.
select pg_try_advisory_xact_lock(hashtext('points/mover'));

-- name: behind
-- Volunteers under an older generation, in an order that the index has.
select volunteer_id from volunteers where generation < $1 order by generation, volunteer_id limit $2;

-- name: count_behind
-- How many there are to move, counted once, at the first batch.
select count(*) from volunteers where generation < $1;

-- name: set_generation
-- All buckets of these volunteers are under it from this commit on.
update volunteers set generation = $2 where volunteer_id = any($1::uuid[]);

-- name: predictions
-- What the rehearsal said of these volunteers; of others it had nothing to say.
select volunteer_id, after - before as predicted from rehearsal_results
where rehearsal_id = $1 and volunteer_id = any($2::uuid[]);

-- name: records_of_days
-- The records that a change of rules is about, as a rule reads them.
select r.volunteer_id, r.record_id, r.revision, r.day, r.status, r.provenance, r.started_at, r.minutes, r.planned_minutes,
       r.kind, r.theme, r.activity_id, r.approval_level
from unnest($1::uuid[], $2::date[], $3::date[]) as batch (volunteer_id, first, last)
join records r on r.volunteer_id = batch.volunteer_id and r.day between batch.first and batch.last;

-- name: under_versions_that_go
-- Who has buckets under a rule that the new generation does not hold.
select distinct volunteer_id from buckets where volunteer_id = any($1::uuid[]) and rule_version <> all($2::int[]);

-- name: all_buckets
-- What the volunteers' buckets are worth, and why.
select volunteer_id, bucket, version, rule_version, points, explanation, first_started_at, first_record_id
from buckets where volunteer_id = any($1::uuid[]);

-- name: referrals_of
-- The inputs of the bonuses for people brought in: the referral that stands, else the last one that was withdrawn.
select distinct on (referrer_id, referred_id) referrer_id, referred_id, day, withdrawn_at is null
from referrals where referrer_id = any($1::uuid[])
order by referrer_id, referred_id, withdrawn_at is null desc, recorded_at desc, referral_id desc;

-- name: adjustments_of
-- The inputs of buckets of adjustments, the one that names the bucket first.
select volunteer_id, coalesce(corrects, adjustment_id) as root, adjustment_id, points, decided_on
from adjustments where status = 'approved' and volunteer_id = any($1::uuid[])
order by volunteer_id, corrects is not null, decided_at, adjustment_id;

-- name: late_inputs
-- What came after the rehearsal's snapshot: records that are theirs or were then, or about which a case was opened or
-- cleared, complaints about any of theirs, and people they brought in.
with seen as (
    select watermark from rehearsals where rehearsal_id = $1
), batch as (
    select volunteer_id from unnest($2::uuid[]) as batch (volunteer_id)
), complained as materialized (
    select c.complaint_id, c.record_id, c.activity_id from complaints c, seen
    where not pg_visible_in_snapshot(c.recorded_in, watermark) or not pg_visible_in_snapshot(c.withdrawn_in, watermark)
), late as (
    select r.volunteer_id, r.record_id, null::uuid as complaint_id, null::uuid as referral_id
    from batch join records r using (volunteer_id), seen where not pg_visible_in_snapshot(r.recorded_in, watermark)
    union
    select s.volunteer_id, s.record_id, null, null
    from batch join superseded_revisions s using (volunteer_id) join records r on r.record_id = s.record_id, seen
    where r.volunteer_id <> s.volunteer_id and not pg_visible_in_snapshot(s.superseded_in, watermark)
    union
    select f.volunteer_id, f.record_id, null, null
    from batch join record_flags f using (volunteer_id), seen where not pg_visible_in_snapshot(f.changed_in, watermark)
    union
    select r.volunteer_id, null, c.complaint_id, null
    from complained c cross join batch
    join records r on r.volunteer_id = batch.volunteer_id and (r.record_id = c.record_id or r.activity_id = c.activity_id)
    union
    select f.referrer_id, null, null, f.referral_id
    from batch join referrals f on f.referrer_id = batch.volunteer_id, seen
    where not pg_visible_in_snapshot(f.recorded_in, watermark) or not pg_visible_in_snapshot(f.withdrawn_in, watermark)
)
select volunteer_id, coalesce(array_agg(record_id order by record_id) filter (where record_id is not null), '{}'),
       coalesce(array_agg(complaint_id order by complaint_id) filter (where complaint_id is not null), '{}'),
       coalesce(array_agg(referral_id order by referral_id) filter (where referral_id is not null), '{}')
from late group by volunteer_id;

-- name: insert_moves
-- What the activation was for each of these volunteers. The ids of what came late are joined by blanks.
insert into activation_moves (
    activation_id, volunteer_id, predicted, actual, other, late_records, late_complaints, late_referrals, moved_at
)
select $1, volunteer_id, predicted, actual, other, string_to_array(late_records, ' ')::uuid[],
       string_to_array(late_complaints, ' ')::uuid[], string_to_array(late_referrals, ' ')::uuid[], $9
from unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[])
    as batch (volunteer_id, predicted, actual, other, late_records, late_complaints, late_referrals);

-- name: insert_reversals
-- What the reversal took from each of these volunteers; some came under the version after everybody had been moved.
insert into activation_moves (activation_id, volunteer_id, predicted, actual, other, reversed, moved_at)
select $1, volunteer_id, 0, 0, 0, reversed, $4 from unnest($2::uuid[], $3::bigint[]) as batch (volunteer_id, reversed)
on conflict (activation_id, volunteer_id) do update set reversed = excluded.reversed;

-- name: list_moves
-- A page of moves by keyset; only those with late inputs if asked.
select volunteer_id, predicted, actual, other, late_records, late_complaints, late_referrals, reversed, moved_at
from activation_moves
where activation_id = $1 and ($2::uuid is null or volunteer_id > $2)
  and (not $3::boolean or late_records <> '{}' or late_complaints <> '{}' or late_referrals <> '{}')
order by volunteer_id limit $4;
