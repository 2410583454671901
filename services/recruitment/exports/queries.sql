-- name: find_person
-- The registration, and whose identity opens in the vault.
select v.person_id, v.volunteer_number, v.registry_number, v.source, v.registered_at, v.claimed_at, v.prior_minutes, si.name as site
from volunteers v left join sites si using (site_id) where v.volunteer_id = $1;

-- name: list_consents
-- Every version that was accepted.
select version, accepted_at, guardian from consents where volunteer_id = $1 order by version;

-- name: list_memberships
-- Teams, with requests and what became of them.
select te.name as team, m.status, m.asked_at, m.since, m.ended_at
from team_memberships m join teams te using (team_id) where m.volunteer_id = $1 order by m.asked_at, m.membership_id;

-- name: list_facts
-- Skills, trainings and insurances that staff vouched for.
select kind, code, valid_until, said_at, revoked_at from volunteer_facts where volunteer_id = $1 order by said_at, fact_id;

-- name: list_signups
-- Places at shifts, cancelled ones too.
select a.title as activity, s.starts_at, s.ends_at, g.status, g.source, g.placed_at, g.cancelled_at
from signups g join shifts s using (shift_id) join activities a using (activity_id)
where g.volunteer_id = $1 order by g.placed_at, g.signup_id;

-- name: list_records
-- Service records as they stand, void ones too.
select r.record_id, r.revision, a.title as activity, si.name as site, te.name as team, r.theme, r.provenance, r.status,
       r.started_at, r.ended_at, r.minutes, r.distance_m
from attendance_records r left join activities a using (activity_id) left join sites si on si.site_id = r.site_id
left join teams te on te.team_id = r.team_id
where r.volunteer_id = $1 order by r.started_at, r.record_id;

-- name: list_requests
-- What the volunteer pointed out about records, and the answers; both texts are sealed.
select a.title as activity, s.starts_at, q.asked_at, q.wrapped_key, q.sealed, q.outcome, q.answered_at, q.answer_key, q.answer_sealed
from rectifications q join shifts s using (shift_id) join activities a using (activity_id)
where q.volunteer_id = $1 order by q.asked_at, q.rectification_id;

-- name: list_looks
-- Every reading of the volunteer's data in the clear.
select l.reader_role, si.name as site, l.fields, l.purpose, l.read_at
from volunteers v join vault_reads l on l.person_id = v.person_id
left join staff st on st.staff_id = l.reader left join sites si on si.site_id = st.site_id
where v.volunteer_id = $1 and l.reader_role <> 'service' order by l.read_at, l.read_id;
