-- name: propose
-- Once for each rating: an event that comes again changes nothing.
insert into proposed_complaints (proposal_id, order_id, activity_id, site_id, stars, proposed_at) values ($1, $2, $3, $4, $5, $6)
on conflict do nothing;

-- name: list_proposals
-- What waits for a person, or was decided, newest first, at these sites or everywhere.
select p.proposal_id, p.order_id, p.activity_id, p.site_id, p.stars, p.proposed_at, p.state, p.complaint_id, p.reason,
       p.decided_by, p.decided_at, c.withdrawn_at
from proposed_complaints p left join complaints c using (complaint_id)
where (p.state = 'open') = $1 and ($2::uuid[] is null or p.site_id = any($2)) and ($3::uuid is null or p.proposal_id < $3)
order by p.proposal_id desc limit $4;

-- name: lock_proposal
-- Two people who decide at once: the second one waits.
select proposal_id from proposed_complaints where proposal_id = $1 for no key update;

-- name: find_proposal
-- Read after the lock.
select p.proposal_id, p.order_id, p.activity_id, p.site_id, p.stars, p.proposed_at, p.state, p.complaint_id, p.reason,
       p.decided_by, p.decided_at, c.withdrawn_at
from proposed_complaints p left join complaints c using (complaint_id)
where p.proposal_id = $1;

-- name: decide
-- Once: what was decided stays.
update proposed_complaints set state = $2, complaint_id = $3, decided_by = $4, decided_at = $5, reason = $6
where proposal_id = $1;
