-- Places in shifts.

create table signups (
    signup_id     uuid primary key,
    shift_id      uuid not null references shifts,
    volunteer_id  uuid not null references volunteers,
    status        text not null check (status in ('active', 'cancelled')),
    -- walk_in: the place was taken by coming; made from an attendance record after the fact and told in no event.
    source        text not null check (source in ('self', 'staff', 'walk_in')),
    placed_by     uuid not null,
    placed_at     timestamptz not null,
    cancelled_by  uuid,
    cancelled_at  timestamptz,
    version       integer not null default 1,
    constraint signups_status_told check ((status = 'cancelled') = (cancelled_at is not null))
);
create unique index signups_one_active on signups (volunteer_id, shift_id) where status = 'active';
create index signups_shift on signups (shift_id);
create index signups_volunteer on signups (volunteer_id, signup_id);

revoke delete on signups from :app_role;
