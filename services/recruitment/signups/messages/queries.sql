-- name: lock_shift
-- One message at a time, so that the limit of a day holds.
select shift_id from shifts where shift_id = $1 for no key update;

-- name: people_of
-- Who has a place in the shift or came without one.
select volunteer_id from signups where shift_id = $1 and status = 'active'
union
select volunteer_id from attendance_records where shift_id = $1 and status <> 'void'
order by volunteer_id;

-- name: is_of_shift
-- Whether a volunteer reads the messages of the shift; who gave the place back after a message still reads none.
select exists (select from signups where shift_id = $1 and volunteer_id = $2 and status = 'active')
    or exists (select from attendance_records where shift_id = $1 and volunteer_id = $2 and status <> 'void');

-- name: count_since
-- For the limit of a day.
select count(*) from shift_messages where shift_id = $1 and sent_at > $2;

-- name: insert_message
-- A message; its own words are sealed.
insert into shift_messages (message_id, shift_id, kind, wrapped_key, sealed, sent_by, by_staff, sent_at, recipients)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: list_messages
-- The messages of a shift, newest first; the limit of a day keeps them few.
select message_id, kind, wrapped_key, sealed, sent_by, by_staff, sent_at, recipients
from shift_messages where shift_id = $1 order by sent_at desc, message_id desc limit 100;
