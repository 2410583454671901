-- name: save_answer
-- The latest answer counts; the volunteer is locked.
insert into closing_answers (record_id, revision, answer, left_at, answered_at) values ($1, $2, $3, $4, $5)
on conflict (record_id) do update
set revision = excluded.revision, answer = excluded.answer, left_at = excluded.left_at, answered_at = excluded.answered_at;
