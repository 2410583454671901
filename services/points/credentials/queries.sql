-- name: award
-- One award, a volunteer's or a team's, whatever became of it.
select award_id, 'volunteer' as holder, volunteer_id as holder_id, badge, name, criteria_version, awarded_at, revoked_at,
       revoked_reason ? 'record' as corrected
from badge_awards where award_id = $1
union all
select award_id, 'team', team_id, badge, name, criteria_version, awarded_at, revoked_at, revoked_reason ? 'record'
from team_badge_awards where award_id = $1;
