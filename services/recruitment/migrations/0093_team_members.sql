-- Members of teams: a request, its decision, and the time of membership. Never deleted: a new request makes a new row.
create table team_memberships (
    membership_id uuid primary key,
    team_id       uuid not null references teams,
    volunteer_id  uuid not null references volunteers,
    status        text not null check (
        status in ('requested', 'active', 'declined', 'withdrawn', 'left', 'removed', 'ended')),
    asked_at      timestamptz not null,
    asked_by      uuid not null,
    since         timestamptz,
    ended_at      timestamptz check (ended_at >= since),
    -- A code, for declined and removed ones; never typed text.
    reason        text check (reason ~ '^[a-z-]{3,20}$'),
    decided_by    uuid,
    version       integer not null default 1,
    constraint team_memberships_since check (
        (status in ('requested', 'declined', 'withdrawn')) = (since is null)),
    constraint team_memberships_live check ((status in ('requested', 'active')) = (ended_at is null)),
    constraint team_memberships_reason check ((status in ('declined', 'removed')) = (reason is not null))
);
create unique index team_memberships_one_live on team_memberships (team_id, volunteer_id)
    where status in ('requested', 'active');
create index team_memberships_volunteer on team_memberships (volunteer_id, membership_id);
create index team_memberships_team on team_memberships (team_id, membership_id);

-- Leader and deputy as dated facts; other members have no row. teams.leader_volunteer_id is the leader of today.
create table team_roles (
    team_role_id  uuid primary key,
    team_id       uuid not null references teams,
    membership_id uuid not null references team_memberships,
    role          text not null check (role in ('deputy', 'leader')),
    since         timestamptz not null,
    until         timestamptz check (until >= since),
    set_by        uuid not null
);
create unique index team_roles_one_leader on team_roles (team_id) where role = 'leader' and until is null;
create unique index team_roles_one_each on team_roles (membership_id) where until is null;

revoke delete on team_memberships, team_roles from :app_role;

-- The leaders of today are members, since their team's last appointment that the history has.
with leaders as (
    select gen_random_uuid() as membership_id, team.team_id, team.leader_volunteer_id,
           coalesce((select max(change.changed_at) from object_changes change
                     where change.object_id = team.team_id and change.after ? 'leader_volunteer_id'),
                    team.created_at) as since
    from teams team where team.leader_volunteer_id is not null and team.closed_at is null
), members as (
    insert into team_memberships
        (membership_id, team_id, volunteer_id, status, asked_at, asked_by, since, decided_by)
    select membership_id, team_id, leader_volunteer_id, 'active', since, leader_volunteer_id, since, leader_volunteer_id
    from leaders returning membership_id, team_id, since, asked_by
)
insert into team_roles (team_role_id, team_id, membership_id, role, since, set_by)
select gen_random_uuid(), team_id, membership_id, 'leader', since, asked_by from members;
