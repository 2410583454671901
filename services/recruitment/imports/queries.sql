-- name: find_party
-- An account with what deciding depends on: whose it is, who made it, its age and its home (null at the centre).
with recursive own as (
    select s.staff_id, s.person_id, s.origin, s.created_at, s.active, home.site_id, home.parent_id,
           array_remove(array[s.created_by, s.activated_by, s.reset_by], null) as makers,
           array_remove(array[s.staff_id, s.person_id, s.volunteer_id,
                              (select v.volunteer_id from volunteers v where v.person_id = s.person_id)], null) as persons
    from staff s left join sites home on home.site_id = s.site_id and home.kind <> 'centre'
    where s.staff_id = $1
), above as (
    select p.site_id, p.parent_id from sites p join own on p.site_id = own.parent_id where p.kind <> 'centre'
    union all
    select p.site_id, p.parent_id from sites p join above on p.site_id = above.parent_id where p.kind <> 'centre'
)
select own.staff_id, own.persons, own.makers, case when own.origin <> 'bootstrap' then own.created_at end as since,
       own.site_id as home, array(select site_id from above) as above, own.active
from own;

-- name: lock_registry
-- One import of a registry at a time, so that its numbers are looked up and inserted as one step.
select pg_advisory_xact_lock(hashtextextended('import:' || $1, 0));

-- name: lapse_file
-- A proposal that lapsed makes room for the next of the same file.
update import_proposals set state = 'lapsed'
where registry = $1 and file_reference = $2 and state = 'proposed' and lapses_at <= $3;

-- name: lapse_due
-- What was not decided in time, for readers of the table; decisions compare the time themselves.
update import_proposals set state = 'lapsed' where state = 'proposed' and lapses_at <= $1 returning proposal_id;

-- name: insert_proposal
-- The unique index refuses a second proposal of a file that waits or holds.
insert into import_proposals (proposal_id, registry, file_reference, digest, row_count, minutes, reason, proposed_by,
                              proposed_at, lapses_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (registry, file_reference) where state in ('proposed', 'approved', 'completed') do nothing
returning proposal_id;

-- name: insert_proposal_batches
-- The contents in the order of the file.
insert into import_proposal_batches (proposal_id, position, digest, row_count, minutes)
select $1, position, digest, row_count, minutes
from unnest($2::text[], $3::integer[], $4::bigint[]) with ordinality as batch (digest, row_count, minutes, position);

-- name: lock_proposal
-- Locked first, read in the next statement.
select proposal_id from import_proposals where proposal_id = $1 for update;

-- name: find_proposal
-- One proposal with the site and name of the account that made it.
select p.proposal_id, p.registry, p.file_reference, p.digest, p.row_count, p.minutes, p.reason, p.proposed_by,
       p.proposed_at, p.lapses_at, p.state, p.decided_by, p.decided_at, p.decision_reason, p.completed_at,
       proposer.username as proposer, home.name as proposer_site, decider.username as decider
from import_proposals p
join staff proposer on proposer.staff_id = p.proposed_by left join sites home on home.site_id = proposer.site_id
left join staff decider on decider.staff_id = p.decided_by
where p.proposal_id = $1;

-- name: list_proposals
-- Newest first by keyset; $1: only those in this state.
select p.proposal_id, p.registry, p.file_reference, p.digest, p.row_count, p.minutes, p.reason, p.proposed_by,
       p.proposed_at, p.lapses_at, p.state, p.decided_by, p.decided_at, p.decision_reason, p.completed_at,
       proposer.username as proposer, home.name as proposer_site, decider.username as decider
from import_proposals p
join staff proposer on proposer.staff_id = p.proposed_by left join sites home on home.site_id = proposer.site_id
left join staff decider on decider.staff_id = p.decided_by
where ($1::text is null or p.state = $1) and ($2::timestamptz is null or (p.proposed_at, p.proposal_id) < ($2, $3::uuid))
order by p.proposed_at desc, p.proposal_id desc limit $4;

-- name: list_batches
-- The contents of these proposals, and what their first import did with people who were known.
select p.proposal_id, p.position, p.digest, p.row_count, p.minutes, p.batch_id is not null as arrived, b.raised, b.raised_minutes, b.kept
from import_proposal_batches p left join import_batches b using (batch_id)
where p.proposal_id = any($1::uuid[]) order by p.proposal_id, p.position;

-- name: settle_proposal
-- A decision or a withdrawal; the row is locked.
update import_proposals set state = $2, decided_by = $3, decided_at = $4, decision_reason = $5 where proposal_id = $1;

-- name: note_arrival
-- The first import of a batch; the same batch again changes nothing.
update import_proposal_batches set batch_id = $3 where proposal_id = $1 and digest = $2 and batch_id is null;

-- name: complete_proposal
-- Every batch has been imported.
update import_proposals set state = 'completed', completed_at = $2 where proposal_id = $1 and state = 'approved';

-- name: add_batch
-- What became of a batch is settled at the end; volunteers refer to it before.
insert into import_batches (batch_id, registry, file_reference, proposal_id, imported_by, imported_at, imported, known, refused)
values ($1, $2, $3, $4, $5, $6, 0, 0, 0);

-- name: settle_batch
-- How many rows went which way.
update import_batches set imported = $2, known = $3, refused = $4, raised = $5, raised_minutes = $6, kept = $7 where batch_id = $1;

-- name: raise_prior_minutes
-- What the registry says now of volunteers whose imported hours rose; they are locked.
update volunteers v set prior_minutes = given.minutes
from unnest($1::uuid[], $2::integer[]) as given (volunteer_id, minutes) where v.volunteer_id = given.volunteer_id;

-- name: known_registry_numbers
-- Whom rows that were imported before are about: a file may be sent again, and hours may have risen.
select registry_number, volunteer_id from volunteers where registry = $1 and registry_number = any($2::text[]);

-- name: existing_sites
-- Which of these are sites.
select site_id from sites where site_id = any($1::uuid[]);
