-- The security log: who signed in, was refused, changed an account or read personal data. Real time; no personal data.
create table security_events (
    event_id  uuid primary key,
    at        timestamptz not null,
    kind      text not null check (kind ~ '^[a-z][a-z-]{2,49}$'),
    result    text not null check (result in ('ok', 'refused')),
    -- Whom it concerns: a person, volunteer or member of staff; null when the name given is nobody's.
    subject   uuid,
    -- Who did it, when that is known and is not the subject.
    actor     uuid,
    address   text check (length(address) <= 64),
    -- Codes and numbers only; a phone stands here as its keyed hash.
    detail    jsonb not null default '{}'
);
create index security_events_at on security_events (at, event_id);
create index security_events_kind on security_events (kind, at, event_id);
create index security_events_subject on security_events (subject, at, event_id) where subject is not null;
create index security_events_address on security_events (address, at, event_id);

revoke all on security_events from auditor;
revoke update, delete, truncate on security_events from :app_role;

-- The application cannot delete what is young, whatever it is told to.
create function purge_security_events(before timestamptz) returns bigint
language sql security definer set search_path = :schema as $$
    with gone as (
        delete from security_events where at < least(before, clock_timestamp() - interval '30 days') returning 1
    )
    select count(*) from gone;
$$;
revoke all on function purge_security_events(timestamptz) from public;
grant execute on function purge_security_events(timestamptz) to :app_role;
