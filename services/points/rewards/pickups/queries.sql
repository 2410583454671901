-- name: lock_guesses
-- One guess of a member of staff at a time, so that those sent side by side are all counted. The update changes nothing:
-- it locks the row and makes it come back.
insert into pickup_guess (staff_id, since, guesses) values ($1, $2, 0)
on conflict (staff_id) do update set guesses = pickup_guess.guesses
returning since, guesses;

-- name: note_guesses
-- The count, under the lock.
update pickup_guess set since = $2, guesses = $3 where staff_id = $1;

-- name: give_guess_back
-- It was no wrong code after all; only in the window in which it was counted.
update pickup_guess set guesses = guesses - 1 where staff_id = $1 and since = $2 and guesses > 0;

-- name: find_by_code
-- The open hold with this code, which is unique among open ones; else the hold that had it last.
select found.redemption_id, redemption.site_id, found.locked_until
from (
    select redemption_id, locked_until, true as open, null::timestamptz as spent_at from pickup where code = $1
    union all
    select redemption_id, null, false, spent_at from pickup_spent where code = $1
) found
join redemption using (redemption_id)
order by found.open desc, found.spent_at desc
limit 1;

-- name: forget_spent
-- Codes of holds that ended long ago.
delete from pickup_spent where spent_at < $1;
