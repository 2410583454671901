-- Until when a place can be released without counting as late, as minutes before the start of the shift.
alter table shifts add column withdraw_minutes integer not null default 120 check (withdraw_minutes between 0 and 43200);
grant select (withdraw_minutes) on shifts to auditor;
-- Released by the volunteer after that deadline.
alter table signups add column late boolean not null default false;

-- A volunteer passes a place on to another, who agrees; where others wait, the leader or the staff agree too.
create table shift_swaps (
    swap_id       uuid primary key,
    signup_id     uuid not null references signups,
    shift_id      uuid not null references shifts,
    from_id       uuid not null references volunteers,
    to_id         uuid not null references volunteers,
    state         text not null check (state in ('proposed', 'agreed', 'done', 'refused', 'withdrawn')),
    proposed_at   timestamptz not null,
    decided_by    uuid,
    decided_at    timestamptz,
    version       integer not null default 1,
    check (from_id <> to_id),
    constraint swaps_decided check ((state = 'proposed') = (decided_at is null))
);
create unique index shift_swaps_one_open on shift_swaps (signup_id) where state in ('proposed', 'agreed');
create index shift_swaps_from on shift_swaps (from_id, swap_id);
create index shift_swaps_to on shift_swaps (to_id, swap_id);
create index shift_swaps_shift on shift_swaps (shift_id) where state in ('proposed', 'agreed');
revoke delete on shift_swaps from :app_role;

-- Reminders that were published, by how many hours before the start.
create table signup_reminders (
    signup_id    uuid not null references signups,
    hours        integer not null check (hours > 0),
    reminded_at  timestamptz not null,
    primary key (signup_id, hours)
);
revoke update, delete on signup_reminders from :app_role;
