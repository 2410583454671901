-- Tickets in use: a ticket is bound to the first volunteer who checks in or out with it, and is nobody else's then.
-- Tickets that nobody used leave no row. Forgotten a day after the binding: by then the ticket is long over.

create table attendance_tickets (
    ticket_id     uuid primary key,
    shift_id      uuid not null references shifts,
    volunteer_id  uuid not null references volunteers,
    -- Real time, as the ticket's life is.
    bound_at      timestamptz not null
);
create index attendance_tickets_bound on attendance_tickets (bound_at);
