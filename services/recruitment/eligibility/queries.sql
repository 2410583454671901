-- name: find_details
-- What is to be known of an activity; read at each sign-up.
select activity_id, version, map_link, contact, bring, risks, training, min_age, max_age, needs_trainings, needs_skills,
       needs_insurance, team_only
from activity_details where activity_id = $1;

-- name: find_activity
-- Whose activity it is, and whether it is a draft.
select site_id, team_id, state from activities where activity_id = $1;

-- name: save_details
-- The next version; a concurrent change leaves nothing to write.
insert into activity_details (activity_id, version, map_link, contact, bring, risks, training, min_age, max_age,
                              needs_trainings, needs_skills, needs_insurance, team_only, changed_by, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
on conflict (activity_id) do update
set version = excluded.version, map_link = excluded.map_link, contact = excluded.contact, bring = excluded.bring,
    risks = excluded.risks, training = excluded.training, min_age = excluded.min_age, max_age = excluded.max_age,
    needs_trainings = excluded.needs_trainings, needs_skills = excluded.needs_skills,
    needs_insurance = excluded.needs_insurance, team_only = excluded.team_only, changed_by = excluded.changed_by,
    changed_at = excluded.changed_at
where activity_details.version = excluded.version - 1
returning version;

-- name: find_qualifications
-- What is known of volunteers on a day, as far as an activity asks: its trainings ($3), skills ($4), and team ($5).
select v.volunteer_id, v.person_id,
       array(
           select d.training from attendance_records r join activity_details d on d.activity_id = r.activity_id
           where r.volunteer_id = v.volunteer_id and r.status = 'confirmed' and d.training = any($3::text[])
           union
           select f.code from volunteer_facts f
           where f.volunteer_id = v.volunteer_id and f.kind = 'training' and f.code = any($3) and f.revoked_at is null
             and coalesce(f.valid_until, 'infinity') >= $2::date) as trainings,
       array(
           select f.code from volunteer_facts f
           where f.volunteer_id = v.volunteer_id and f.kind = 'skill' and f.code = any($4::text[]) and f.revoked_at is null
             and coalesce(f.valid_until, 'infinity') >= $2::date) as skills,
       exists (
           select from volunteer_facts f
           where f.volunteer_id = v.volunteer_id and f.kind = 'insurance' and f.revoked_at is null
             and f.valid_until >= $2::date) as insured,
       exists (select from teams t where t.team_id = $5 and t.leader_volunteer_id = v.volunteer_id)
       or exists (
           select from team_memberships m
           where m.volunteer_id = v.volunteer_id and m.team_id = $5 and m.status = 'active') as in_team
from volunteers v where v.volunteer_id = any($1::uuid[]);

-- name: insert_fact
-- A fact that an account of staff vouches for.
insert into volunteer_facts (fact_id, volunteer_id, kind, code, valid_until, said_by, said_at)
values ($1, $2, $3, $4, $5, $6, $7);

-- name: list_facts
-- The facts of a volunteer, newest first.
select fact_id, volunteer_id, kind, code, valid_until, said_by, said_at, revoked_at
from volunteer_facts where volunteer_id = $1 order by fact_id desc limit 100;

-- name: find_fact
-- One fact, locked to be revoked once.
select fact_id, volunteer_id, kind, code, valid_until, said_by, said_at, revoked_at
from volunteer_facts where fact_id = $1 for update;

-- name: revoke_fact
-- It no longer counts from now on; what was signed up for stands.
update volunteer_facts set revoked_by = $2, revoked_at = $3 where fact_id = $1;

-- name: list_qualifications
-- Trainings and skills that activities may ask for: needs and trainings by name, and codes that staff entered.
select 'skill' as kind, g.tag as code, g.zh, g.en from need_tags g where g.closed_at is null
union all
(select distinct on (d.training) 'training', d.training, a.title, a.title
 from activity_details d join activities a using (activity_id)
 where d.training is not null and a.state <> 'planned' and a.visibility = 'public' order by d.training, d.changed_at desc)
union all
select distinct f.kind, f.code, null, null from volunteer_facts f
where f.revoked_at is null and f.kind in ('skill', 'training')
order by kind, code, zh nulls last;
