-- A check-out is undone by the session that made it: the row names that session and revision, and goes a day later.

create table attendance_check_outs (
    record_id   uuid primary key references attendance_records,
    revision    integer not null check (revision >= 2),
    session_id  uuid not null,
    -- Real time, as for tickets.
    made_at     timestamptz not null
);
create index attendance_check_outs_made on attendance_check_outs (made_at);
