-- name: find_cards
-- To show or print: the one card in force of each volunteer.
select c.card_id, c.volunteer_id, v.volunteer_number, c.code, c.issued_at
from cards c join volunteers v using (volunteer_id)
where c.volunteer_id = any($1::uuid[]) and c.revoked_at is null
order by v.volunteer_number;

-- name: find_holder
-- Whom a scanned code names; a revoked card names no volunteer.
select v.volunteer_number from cards c join volunteers v using (volunteer_id) where c.code = $1 and c.revoked_at is null;

-- name: add_cards
-- Several at once, for a sheet; the volunteers are locked.
insert into cards (card_id, volunteer_id, code, issued_at, issued_by)
select card_id, volunteer_id, code, $4, $5 from unnest($1::uuid[], $2::uuid[], $3::text[]) as c (card_id, volunteer_id, code);

-- name: revoke_card
-- A lost card names its holder no more.
update cards set revoked_at = $2 where volunteer_id = $1 and revoked_at is null;
