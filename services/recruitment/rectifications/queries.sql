-- name: has_to_do
-- Whether a volunteer signed up for the shift or has a record of it, void ones and cancelled ones too.
select exists (select from signups where shift_id = $1 and volunteer_id = $2)
    or exists (select from attendance_records where shift_id = $1 and volunteer_id = $2);

-- name: waits
-- Whether a request of the volunteer about the shift is not answered yet; the volunteer is locked.
select exists (select from rectifications where shift_id = $1 and volunteer_id = $2 and answered_at is null);

-- name: insert_rectification
-- A request; its words are sealed.
insert into rectifications (rectification_id, shift_id, volunteer_id, wrapped_key, sealed, asked_at)
values ($1, $2, $3, $4, $5, $6);

-- name: find_rectification
-- One request, locked: it is answered once.
select r.*, v.volunteer_number, a.activity_id, a.title, a.site_id, s.starts_at, s.ends_at
from rectifications r join volunteers v using (volunteer_id) join shifts s using (shift_id) join activities a using (activity_id)
where r.rectification_id = $1 for update of r;

-- name: answer_rectification
-- The answer; nothing comes back when there is one already.
update rectifications
set outcome = $2, answer_key = $3, answer_sealed = $4, answered_by = $5, answered_at = $6
where rectification_id = $1 and answered_at is null
returning rectification_id;

-- name: list_rectifications
-- A page, newest first: of one volunteer ($1), or of sites ($2, null: of all). $3: answered or not, null: both.
select r.*, v.volunteer_number, a.activity_id, a.title, a.site_id, s.starts_at, s.ends_at
from rectifications r join volunteers v using (volunteer_id) join shifts s using (shift_id) join activities a using (activity_id)
where ($1::uuid is null or r.volunteer_id = $1) and ($2::uuid[] is null or a.site_id = any($2))
  and ($3::boolean is null or $3 = (r.answered_at is not null)) and ($4::uuid is null or r.shift_id = $4)
  and ($5::timestamptz is null or (r.asked_at, r.rectification_id) < ($5, $6))
order by r.asked_at desc, r.rectification_id desc limit $7;
