-- name: add_event
-- One event; the table takes inserts only.
insert into security_events (event_id, at, kind, result, subject, actor, address, detail)
values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb);

-- name: events
-- Newest first, filtered; subject matches whom an event concerns and who did it.
select event_id, at, kind, result, subject, actor, address, detail
from security_events
where ($1::text is null or kind = $1)
  and ($2::uuid is null or subject = $2 or actor = $2)
  and ($3::text is null or address = $3)
  and ($4::timestamptz is null or at >= $4)
  and ($5::timestamptz is null or at < $5)
  and ($6::text is null or result = $6)
  and ($7::timestamptz is null or (at, event_id) < ($7, $8::uuid))
order by at desc, event_id desc
limit $9;

-- name: staff_names
-- Usernames of members of staff among the people of a page of events.
select staff_id, username from staff where staff_id = any($1::uuid[]);

-- name: purge_events
-- By the owner's function, which spares what is younger than thirty days.
select purge_security_events($1);
