-- name: propose
-- Once for each rating: an event that comes again changes nothing.
insert into proposed_complaints (proposal_id, activity_id, site_id, stars, proposed_at) values ($1, $2, $3, $4, $5)
on conflict do nothing;

-- name: list_open
-- What waits for a person, newest first, at these sites or everywhere.
select proposal_id, activity_id, site_id, stars, proposed_at, state, complaint_id from proposed_complaints
where state = 'open' and ($1::uuid[] is null or site_id = any($1)) and ($2::uuid is null or proposal_id < $2)
order by proposal_id desc limit $3;

-- name: lock_proposal
-- Two people who decide at once: the second one waits.
select proposal_id from proposed_complaints where proposal_id = $1 for no key update;

-- name: find_proposal
-- Read after the lock.
select proposal_id, activity_id, site_id, stars, proposed_at, state, complaint_id from proposed_complaints
where proposal_id = $1;

-- name: decide
-- Once: what was decided stays.
update proposed_complaints set state = $2, complaint_id = $3, decided_by = $4, decided_at = $5 where proposal_id = $1;
