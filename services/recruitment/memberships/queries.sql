-- name: lock_volunteer
-- First of all locks: a volunteer's memberships are counted one request after the other.
select volunteer_id from volunteers where volunteer_id = $1 for no key update;

-- name: lock_team
-- Everything that changes a team's members queues here, after the volunteer. Foreign keys pass.
select team_id from teams where team_id = $1 for no key update;

-- name: find_head
-- Whose members they are: the team's site decides who of the staff runs it.
select team_id, name, site_id, leader_volunteer_id, closed_at from teams where team_id = $1;

-- name: find_membership
-- With the present role; read again under the team's lock before anything is decided.
select m.membership_id, m.team_id, m.volunteer_id, m.status, m.asked_at, m.asked_by, m.since, m.ended_at, m.reason,
       m.decided_by, m.version, coalesce(r.role, 'member') as role
from team_memberships m left join team_roles r on r.membership_id = m.membership_id and r.until is null
where m.membership_id = $1;

-- name: find_live
-- The request or membership of today that a volunteer has with a team; at most one.
select m.membership_id, m.team_id, m.volunteer_id, m.status, m.asked_at, m.asked_by, m.since, m.ended_at, m.reason,
       m.decided_by, m.version, coalesce(r.role, 'member') as role
from team_memberships m left join team_roles r on r.membership_id = m.membership_id and r.until is null
where m.team_id = $1 and m.volunteer_id = $2 and m.status in ('requested', 'active');

-- name: count_live
-- Teams that a volunteer belongs to or waits for.
select count(*) from team_memberships where volunteer_id = $1 and status in ('requested', 'active');

-- name: add_membership
-- A request, or a member that staff add.
insert into team_memberships
    (membership_id, team_id, volunteer_id, status, asked_at, asked_by, since, decided_by)
values ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: update_membership
-- The next version; nothing comes back when a concurrent transaction wrote it.
update team_memberships set status = $3, since = $4, ended_at = $5, reason = $6, decided_by = $7, version = $2
where membership_id = $1 and version = $2 - 1 returning version;

-- name: end_all
-- The team is closed: its members are free, and its requests lapse.
update team_memberships
set status = case status when 'active' then 'ended' else 'withdrawn' end, ended_at = greatest($2, since),
    decided_by = $3, version = version + 1
where team_id = $1 and status in ('requested', 'active');

-- name: end_roles
-- Terms end with the membership ($2), with the leader's ($3 = leader) or with the team (both null).
update team_roles set until = greatest($4, since)
where team_id = $1 and until is null and ($2::uuid is null or membership_id = $2) and ($3::text is null or role = $3);

-- name: add_role
-- A term that begins.
insert into team_roles (team_role_id, team_id, membership_id, role, since, set_by) values ($1, $2, $3, $4, $5, $6);

-- name: list_members
-- Members and requests of a team in the order of asking, with what opens their name in the vault.
select m.membership_id, m.volunteer_id, v.volunteer_number, v.person_id, m.status, coalesce(r.role, 'member') as role,
       r.since as role_since, m.asked_at, m.since, m.ended_at, m.reason, m.version
from team_memberships m join volunteers v using (volunteer_id)
left join team_roles r on r.membership_id = m.membership_id and r.until is null
where m.team_id = $1 and m.status = any($2::text[]) and ($3::uuid is null or m.membership_id > $3)
order by m.membership_id limit $4;

-- name: list_own
-- A volunteer's memberships and requests, newest first.
select m.membership_id, m.team_id, t.name as team_name, t.site_id, s.name as site_name, m.status,
       coalesce(r.role, 'member') as role, m.asked_at, m.since, m.ended_at, m.reason, m.version
from team_memberships m join teams t using (team_id) join sites s using (site_id)
left join team_roles r on r.membership_id = m.membership_id and r.until is null
where m.volunteer_id = $1 and ($2::uuid is null or m.membership_id < $2)
order by m.membership_id desc limit $3;

-- name: list_terms
-- Leaders and deputies of a team over time, newest first, by number.
select r.role, v.volunteer_number, r.since, r.until
from team_roles r join team_memberships m using (membership_id) join volunteers v using (volunteer_id)
where r.team_id = $1 order by r.since desc, r.team_role_id desc limit $2;

-- name: list_cards
-- Open teams as the public sees them, by name, of a site and of a need where they are named.
select t.team_id, t.kind, t.name, t.site_id, s.name as site_name, t.series, t.department, t.docked, t.closed_at, t.version,
       array(select tag_id from team_tags g where g.team_id = t.team_id) as tag_ids,
       (select count(*) from team_memberships m where m.team_id = t.team_id and m.status = 'active') as members
from teams t join sites s using (site_id)
where t.closed_at is null and ($1::uuid is null or t.site_id = $1)
  and ($2::uuid is null or exists (select from team_tags g where g.team_id = t.team_id and g.tag_id = $2))
order by t.name, t.team_id;

-- name: find_card
-- One team as the public sees it, also when it is closed.
select t.team_id, t.kind, t.name, t.site_id, s.name as site_name, t.series, t.department, t.docked, t.closed_at, t.version,
       array(select tag_id from team_tags g where g.team_id = t.team_id) as tag_ids,
       (select count(*) from team_memberships m where m.team_id = t.team_id and m.status = 'active') as members
from teams t join sites s using (site_id) where t.team_id = $1;
