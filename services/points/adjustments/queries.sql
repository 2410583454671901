-- name: insert_adjustment
-- A proposal; it moves nothing.
insert into adjustments (adjustment_id, volunteer_id, points, corrects, reason, evidence, proposed_by, proposed_at,
                         correlation_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: find_adjustment
-- One of them; read again under the volunteer's lock before anything is decided.
select adjustment_id, volunteer_id, points, corrects, reason, evidence, status, proposed_by, proposed_at, decided_by,
       decided_at, decision_note, correlation_id
from adjustments where adjustment_id = $1;

-- name: list_adjustments
-- Newest first by keyset: all, or those of a volunteer, with a status, that correct one of them; $6: only of those who
-- served or redeemed something at one of these sites, as accounts are read.
select adjustment_id, volunteer_id, points, corrects, reason, evidence, status, proposed_by, proposed_at, decided_by,
       decided_at, decision_note, correlation_id
from adjustments a
where ($1::uuid is null or volunteer_id = $1) and ($2::text is null or status = $2)
  and ($3::uuid is null or corrects = $3) and ($4::uuid is null or adjustment_id < $4)
  and ($6::uuid[] is null
       or exists (select from records r where r.volunteer_id = a.volunteer_id and r.site_id = any($6))
       or exists (select from redemption r where r.volunteer_id = a.volunteer_id and r.site_id = any($6)))
order by adjustment_id desc limit $5;

-- name: settle_adjustment
-- Decided once: the status in the condition is the pair of the lock.
update adjustments set status = $2, decided_by = $3, decided_at = $4, decided_on = $5, decision_note = $6
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
-- Points knows whoever served; an adjustment for an unknown id is a typing error.
select exists (select from volunteers where volunteer_id = $1);
