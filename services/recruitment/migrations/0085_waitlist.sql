-- The waitlist of a full shift, in order of arrival. Entries change under the lock of their shift, as its places do. A place
-- that is offered is counted in shifts.taken, so that it can be given to one person only.
create table waitlist_entries (
    entry_id      uuid primary key,
    shift_id      uuid not null references shifts,
    volunteer_id  uuid not null references volunteers,
    -- Order of arrival within the shift.
    position      integer not null check (position > 0),
    status        text not null check (
        status in ('waiting', 'offered', 'placed', 'left', 'declined', 'lapsed', 'closed')),
    joined_by     uuid not null,
    joined_at     timestamptz not null,
    -- The end of the offer, at the latest the start of the shift.
    offer_until   timestamptz,
    signup_id     uuid references signups,
    -- Why a free place was given to the next; null again when that may no longer hold.
    skipped       text check (skipped in ('overlap', 'ineligible')),
    ended_at      timestamptz,
    version       integer not null default 1,
    unique (shift_id, position),
    constraint waitlist_ended check ((status in ('waiting', 'offered')) = (ended_at is null)),
    constraint waitlist_placed check ((status = 'placed') = (signup_id is not null)),
    constraint waitlist_offered check (status <> 'offered' or offer_until is not null)
);
create unique index waitlist_one_live on waitlist_entries (volunteer_id, shift_id) where status in ('waiting', 'offered');
create index waitlist_live on waitlist_entries (shift_id, position) where status in ('waiting', 'offered');
create index waitlist_volunteer on waitlist_entries (volunteer_id, entry_id);
revoke delete on waitlist_entries from :app_role;

-- A place from the waitlist, by itself and not by the volunteer.
alter table signups drop constraint signups_source_check;
alter table signups add constraint signups_source_check check (
    source in ('self', 'staff', 'walk_in', 'waitlist', 'swap', 'team'));
