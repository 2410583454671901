-- name: volunteer_of_number
-- The volunteer to whom a place is passed on, by the number on the card.
select volunteer_id from volunteers where volunteer_number = $1 and claimed_at is not null;

-- name: lock_volunteers
-- Both volunteers in the order of their ids, before the shift.
select volunteer_id from volunteers where volunteer_id = any($1::uuid[]) order by volunteer_id for no key update;

-- name: lock_shift
-- After the volunteers: places of one shift change hands one by one.
select shift_id from shifts where shift_id = $1 for no key update;

-- name: has_open
-- Whether the place is proposed to a volunteer already.
select exists (select from shift_swaps where signup_id = $1 and state in ('proposed', 'agreed'));

-- name: insert_swap
-- A new proposal.
insert into shift_swaps (swap_id, signup_id, shift_id, from_id, to_id, state, proposed_at, to_number)
values ($1, $2, $3, $4, $5, 'proposed', $6, $7);

-- name: proposed_since
-- The proposer is locked, so that parallel proposals count each other.
select count(*) from shift_swaps where from_id = $1 and proposed_at > $2;

-- name: find_swap
-- One swap: to learn whom to lock, and again under the locks.
select swap_id, signup_id, shift_id, from_id, to_id, state, proposed_at, decided_by, decided_at, version
from shift_swaps where swap_id = $1;

-- name: update_swap
-- The next version; a concurrent change leaves nothing to update.
update shift_swaps set state = $2, decided_by = $3, decided_at = $4, version = $5
where swap_id = $1 and version = $5 - 1
returning swap_id;

-- name: list_swaps
-- Open swaps of shifts that have not begun: a volunteer's own, or those of a shift.
select w.swap_id, w.signup_id, w.shift_id, w.from_id, w.to_id, f.volunteer_number as from_number,
       coalesce(t.volunteer_number, w.to_number) as to_number, w.state, w.proposed_at, a.title, a.place, s.starts_at, s.ends_at
from shift_swaps w join shifts s using (shift_id) join activities a using (activity_id)
join volunteers f on f.volunteer_id = w.from_id left join volunteers t on t.volunteer_id = w.to_id
where w.state in ('proposed', 'agreed') and s.starts_at > $3 and s.cancelled_at is null
  and ($1::uuid is null or w.from_id = $1 or w.to_id = $1) and ($2::uuid is null or w.shift_id = $2)
order by w.swap_id desc
limit 100;
