-- name: award
-- One award, whatever became of it.
select award_id, volunteer_id, badge, name, criteria_version, awarded_at, revoked_at
from badge_awards where award_id = $1;
