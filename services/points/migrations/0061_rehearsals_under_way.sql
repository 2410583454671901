-- How rehearsals are run and read.

-- Why the last attempt ended before its time, if it could say so: shown if no further attempt is made.
alter table rehearsals add column trouble text;

-- Of one version at most one rehearsal is under way.
create unique index rehearsals_of_version_under_way on rehearsals (version) where status in ('queued', 'running');

-- The greatest winners and losers first; "before" and "after" also hold the bonuses for people brought in, whose rule
-- follows from the day of the referral. Adjustments are in neither: what they are worth is no rule's business.
create index rehearsal_results_by_difference on rehearsal_results (rehearsal_id, (after - before), volunteer_id);
