-- name: insert_adjustment
-- A proposal; it moves nothing.
insert into adjustments (adjustment_id, volunteer_id, points, corrects, reason, proposed_by, proposed_at, correlation_id,
                         proposer_makers)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: keep_evidence
-- What proposals and decisions rest on, sealed: beside the adjustments, which are never changed, because this may be erased.
insert into adjustment_evidence (adjustment_id, volunteer_id, part, wrapped_key, sealed)
select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::bytea[]);

-- name: lock_sealing
-- One process at a time seals what lies in plain text; a process that waited finds nothing left.
select pg_advisory_xact_lock(hashtext('points/adjustment-evidence'));

-- name: plain_evidence
-- Evidence and notes of before there was a key; an undecided adjustment has no note.
select adjustment_id, volunteer_id, evidence, case when decided_at is not null then decision_note end as note
from adjustments where evidence is not null or decision_note is not null
order by adjustment_id limit $1 for no key update;

-- name: forget_plain_evidence
-- What lies sealed now; the trigger refuses the rest.
update adjustments set evidence = null, decision_note = null where adjustment_id = any($1::uuid[]);

-- name: find_adjustment
-- One of them; read again under the volunteer's lock before anything is decided.
select a.adjustment_id, a.volunteer_id, points, corrects, reason, status, proposed_by, proposed_at, decided_by, decided_at,
       correlation_id, proposer_makers, e.wrapped_key as evidence_key, e.sealed as evidence, n.wrapped_key as note_key, n.sealed as note
from adjustments a
left join adjustment_evidence e on e.adjustment_id = a.adjustment_id and e.part = 'evidence'
left join adjustment_evidence n on n.adjustment_id = a.adjustment_id and n.part = 'note'
where a.adjustment_id = $1;

-- name: list_adjustments
-- Newest first by keyset: all, or those of a volunteer, with a status, that correct one of them; $6: only of those who
-- served or redeemed something at one of these sites, as accounts are read.
select a.adjustment_id, a.volunteer_id, points, corrects, reason, status, proposed_by, proposed_at, decided_by, decided_at,
       correlation_id, proposer_makers, e.wrapped_key as evidence_key, e.sealed as evidence, n.wrapped_key as note_key, n.sealed as note
from adjustments a
left join adjustment_evidence e on e.adjustment_id = a.adjustment_id and e.part = 'evidence'
left join adjustment_evidence n on n.adjustment_id = a.adjustment_id and n.part = 'note'
where ($1::uuid is null or a.volunteer_id = $1) and ($2::text is null or status = $2)
  and ($3::uuid is null or corrects = $3) and ($4::uuid is null or a.adjustment_id < $4)
  and ($6::uuid[] is null
       or exists (select from records r where r.volunteer_id = a.volunteer_id and r.site_id = any($6))
       or exists (select from redemption r where r.volunteer_id = a.volunteer_id and r.site_id = any($6)))
order by a.adjustment_id desc limit $5;

-- name: settle_adjustment
-- Decided once: the status in the condition is the pair of the lock.
update adjustments set status = $2, decided_by = $3, decided_at = $4, decided_on = $5
where adjustment_id = $1 and status = 'proposed' returning adjustment_id;

-- name: approved_inputs
-- The inputs of a bucket: the adjustment and those that correct it, as they were decided.
select adjustment_id, points, decided_on as day from adjustments
where status = 'approved' and (adjustment_id = $1 or corrects = $1)
order by corrects is not null, decided_at, adjustment_id;

-- name: posted_transfers
-- What one decision posted: every transfer of the volunteer's that it caused, in order.
select transfer_id, posted_at, code, amount, debit_account as debit, credit_account as credit
from transfer_entries where volunteer_id = $1 and cause_event_id = $2 order by transfer_id;

-- name: account_exists
-- Points knows every volunteer who served; an adjustment for an unknown id is a typing error.
select exists (select from volunteers where volunteer_id = $1);
