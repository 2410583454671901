-- name: was_at
-- Whose staff the volunteer has met: a record or a redemption at one of the sites. Both by the volunteer's own index.
select exists (select from records where volunteer_id = $1 and site_id = any($2::uuid[]))
    or exists (select from redemption where volunteer_id = $1 and site_id = any($2::uuid[]));
