-- name: find_live
-- The volunteer's live entry in the waitlist of a shift; both are locked.
select entry_id, shift_id, volunteer_id, position, status, joined_by, joined_at, offer_until, signup_id, skipped, ended_at,
       version
from waitlist_entries where shift_id = $1 and volunteer_id = $2 and status in ('waiting', 'offered');

-- name: find_entry
-- One entry: to learn whom to lock, and again under the locks.
select entry_id, shift_id, volunteer_id, position, status, joined_by, joined_at, offer_until, signup_id, skipped, ended_at,
       version
from waitlist_entries where entry_id = $1;

-- name: list_live
-- The waitlist of a shift in its order.
select entry_id, shift_id, volunteer_id, position, status, joined_by, joined_at, offer_until, signup_id, skipped, ended_at,
       version
from waitlist_entries where shift_id = $1 and status in ('waiting', 'offered') order by position;

-- name: waits_ahead
-- Whether another volunteer, not passed over, waits for a place of the shift.
select exists (
    select from waitlist_entries
    where shift_id = $1 and volunteer_id <> $2 and status = 'waiting' and skipped is null);

-- name: insert_entry
-- At the end of the list; the shift is locked, so that positions are given in order of arrival.
insert into waitlist_entries (entry_id, shift_id, volunteer_id, position, status, joined_by, joined_at)
select $1, $2, $3, coalesce(max(position), 0) + 1, 'waiting', $4, $5 from waitlist_entries where shift_id = $2
returning position;

-- name: update_entries
-- The next version of any number of entries; one that a concurrent transaction changed is left out of the answer.
update waitlist_entries w
set status = e.status, offer_until = e.offer_until, signup_id = e.signup_id, skipped = e.skipped, ended_at = e.ended_at,
    version = e.version
from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::uuid[], $5::text[], $6::timestamptz[], $7::integer[])
    as e (entry_id, status, offer_until, signup_id, skipped, ended_at, version)
where w.entry_id = e.entry_id and w.version = e.version - 1
returning w.entry_id;

-- name: add_taken
-- Places that are offered or no longer offered; the constraint on the count cannot be passed.
update shifts set taken = taken + $2 where shift_id = $1;

-- name: insert_promoted
-- Sign-ups from the waitlist and the shift's count, in one statement.
with placed as (
    insert into signups (signup_id, shift_id, volunteer_id, status, source, placed_by, placed_at)
    select signup_id, $1, volunteer_id, 'active', 'waitlist', volunteer_id, $4
    from unnest($2::uuid[], $3::uuid[]) as promoted (signup_id, volunteer_id)
    returning signup_id
)
update shifts set taken = taken + (select count(*) from placed) where shift_id = $1;

-- name: lock_idle_volunteers
-- After the shift, and therefore without waiting: a volunteer who is locked now is left for the timer.
select volunteer_id from volunteers where volunteer_id = any($1::uuid[])
order by volunteer_id for no key update skip locked;

-- name: busy
-- Which of these volunteers are signed up for a shift that shares time with [$2, $3).
select distinct g.volunteer_id
from signups g join shifts s using (shift_id)
where g.volunteer_id = any($1::uuid[]) and g.status = 'active' and s.cancelled_at is null
  and s.starts_at < $3 and s.ends_at > $2;

-- name: forget_skips
-- A place elsewhere was released, so what these volunteers were passed over for may no longer hold.
update waitlist_entries set skipped = null
where volunteer_id = any($1::uuid[]) and status = 'waiting' and skipped is not null;

-- name: due_shifts
-- Shifts whose waitlist has something to do: it ends, an offer is over, or a free place was left for the timer.
select w.shift_id
from waitlist_entries w join shifts s using (shift_id) join activities a using (activity_id)
where w.status in ('waiting', 'offered') and (
    s.starts_at <= $1 or s.cancelled_at is not null or a.state <> 'open'
    or (w.status = 'offered' and w.offer_until <= $1)
    or (w.status = 'waiting' and w.skipped is null and s.taken < s.capacity))
group by w.shift_id
order by min(w.joined_at)
limit $2;

-- name: lock_idle_shift
-- For the timer: a shift that is locked now is left for the next round.
select shift_id from shifts where shift_id = $1 for no key update skip locked;

-- name: list_own
-- A volunteer's entries with what, where and when, newest first by keyset; ranks count those who still wait.
select w.entry_id, w.shift_id, w.volunteer_id, w.status, w.skipped, w.joined_at, w.offer_until, w.signup_id, w.ended_at,
       s.activity_id, a.title, a.place, a.site_id, si.name as site_name, s.starts_at, s.ends_at,
       case when w.ended_at is null then (
           select count(*) from waitlist_entries other
           where other.shift_id = w.shift_id and other.status in ('waiting', 'offered') and other.position <= w.position
       ) end as rank
from waitlist_entries w join shifts s using (shift_id) join activities a using (activity_id)
join sites si on si.site_id = a.site_id
where w.volunteer_id = $1 and (not $2::boolean or w.status in ('waiting', 'offered'))
  and ($3::uuid is null or w.entry_id < $3)
order by w.entry_id desc
limit $4;

-- name: list_waiting
-- The waitlist of a shift by number, with ranks; names stay in the vault.
select row_number() over (order by w.position) as rank, w.entry_id, w.volunteer_id, v.volunteer_number, w.status, w.skipped,
       w.joined_at, w.offer_until
from waitlist_entries w join volunteers v using (volunteer_id)
where w.shift_id = $1 and w.status in ('waiting', 'offered')
order by w.position;
