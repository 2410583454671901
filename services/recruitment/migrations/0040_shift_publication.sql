-- When a shift became visible for sign-up: null while its activity is a draft. Shifts that exist were published with their
-- activity, as far as is known.
alter table shifts add column published_at timestamptz;
update shifts set published_at = coalesce(a.opened_at, a.planned_at)
from activities a where a.activity_id = shifts.activity_id and a.state <> 'planned';

grant select (published_at) on shifts to auditor;
