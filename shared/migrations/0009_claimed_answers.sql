-- One round trip claims a key and reads its answer. The function is volatile, so that its second statement sees what the
-- holder of the lock before committed.
create function claim_answer(
    given_scope text, given_key text, out claimed boolean, out body_hash bytea, out status integer, out content_type text,
    out body bytea, out replays smallint, out age double precision
) language plpgsql as $$
begin
    claimed := pg_try_advisory_xact_lock(hashtextextended(given_scope || ' ' || given_key, 4711));
    if claimed then
        select i.body_hash, i.status, i.content_type, i.body, i.replays,
               extract(epoch from clock_timestamp() - i.created_at)::float8
        into body_hash, status, content_type, body, replays, age
        from idempotency i where i.scope = given_scope and i.key = given_key;
    end if;
end $$;

-- Writers notify the relay after their commit. Within the transaction it made all commits of a database queue for one lock
-- until each was flushed, and woke every listener of the database each time.
drop trigger outbox_wake on outbox;
drop function outbox_wake();
