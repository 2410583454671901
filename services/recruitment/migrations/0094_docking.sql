-- With which sites a team is docked, as dated facts: since and until are when it held, the others when it was entered.
create table team_dockings (
    docking_id  uuid primary key,
    team_id     uuid not null references teams,
    site_id     uuid not null references sites,
    since       timestamptz not null,
    until       timestamptz check (until >= since),
    recorded_at timestamptz not null,
    recorded_by uuid,
    ended_at    timestamptz,
    ended_by    uuid,
    constraint team_dockings_end check ((until is null) = (ended_at is null))
);
create unique index team_dockings_one_open on team_dockings (team_id, site_id) where until is null;
create index team_dockings_team on team_dockings (team_id, since);
create index team_dockings_site on team_dockings (site_id);
revoke delete on team_dockings from :app_role;

-- Docked until now without a site: each time of it becomes a docking with the team's home.
with states as (
    select t.team_id, t.site_id, t.closed_at, t.created_at as at,
           coalesce((select (c.before ->> 'docked')::boolean from object_changes c
                     where c.object_id = t.team_id and c.before ? 'docked' order by c.change_id limit 1), t.docked) as docked
    from teams t
    union all
    select t.team_id, t.site_id, t.closed_at, c.changed_at, (c.after ->> 'docked')::boolean
    from teams t join object_changes c on c.object_id = t.team_id and c.after ? 'docked'
), terms as (
    select *, coalesce(lead(at) over (partition by team_id order by at), closed_at) as next from states
)
insert into team_dockings (docking_id, team_id, site_id, since, until, recorded_at, ended_at)
select gen_random_uuid(), team_id, site_id, at, greatest(next, at), at, greatest(next, at) from terms where docked;

-- The professional detachments by kind ("8+5"), with the department that owns each and its head by position.
alter table teams
    add column series text check (series in ('eight', 'five')),
    add column department text check (length(department) between 1 and 100),
    add column head text check (length(head) between 1 and 100),
    add constraint teams_series_of_detachments check (
        kind = 'detachment' or (series is null and department is null and head is null));
