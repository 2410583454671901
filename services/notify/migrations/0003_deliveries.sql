-- One row per event, volunteer and channel: the unique key is what makes a message arrive at most once.
create table deliveries (
    event_id         uuid not null,
    volunteer_id     uuid not null,
    channel          text not null check (channel in ('inbox', 'email')),
    message_id       uuid not null references messages,
    status           text not null check (status in
                         ('pending', 'attempting', 'sent', 'refused', 'unknown', 'no_address', 'suppressed')),
    attempts         smallint not null default 0,
    -- Business time: quiet hours. Real time: back-off and leases.
    not_before       timestamptz not null,
    next_attempt_at  timestamptz not null default clock_timestamp(),
    updated_at       timestamptz not null default clock_timestamp(),
    primary key (event_id, volunteer_id, channel)
);
create index deliveries_due on deliveries (next_attempt_at) where status = 'pending';
create index deliveries_message on deliveries (message_id);

-- Every attempt at a channel that can fail. `attempting` is committed before the first byte leaves; whoever finds it
-- after its lease knows only that nobody knows.
create table delivery_attempts (
    event_id      uuid not null,
    volunteer_id  uuid not null,
    channel       text not null,
    attempt       smallint not null check (attempt > 0),
    outcome       text not null check (outcome in
                      ('attempting', 'sent', 'deferred', 'refused', 'unknown', 'no_address')),
    -- A code or a class of failure, never what a server said: servers repeat addresses.
    reason        text check (length(reason) <= 100),
    started_at    timestamptz not null default clock_timestamp(),
    lease_until   timestamptz not null,
    finished_at   timestamptz,
    primary key (event_id, volunteer_id, channel, attempt),
    foreign key (event_id, volunteer_id, channel) references deliveries
);
-- At most one attempt in flight or done, held by the database and not only by the code.
create unique index delivery_attempts_once on delivery_attempts (event_id, volunteer_id, channel)
    where outcome in ('attempting', 'sent', 'unknown');
create index delivery_attempts_leases on delivery_attempts (lease_until) where outcome = 'attempting';
