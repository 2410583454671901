-- name: keep_proposed
-- Records that wait for another site; a decision that came first stays.
insert into case_proposals (case_id, record_id)
select c.case_id, f.record_id from unnest($1::uuid[], $2::uuid[]) as f (case_id, record_id) join cases c using (case_id)
on conflict do nothing;

-- name: keep_decided
-- What another site decided, once.
insert into case_proposals as p (case_id, record_id, outcome, decided_by, site_id, decided_at)
select c.case_id, f.record_id, f.outcome, f.decided_by, f.site_id, f.decided_at
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::timestamptz[])
    as f (case_id, record_id, outcome, decided_by, site_id, decided_at) join cases c using (case_id)
on conflict (case_id, record_id) do update
set outcome = excluded.outcome, decided_by = excluded.decided_by, site_id = excluded.site_id, decided_at = excluded.decided_at
where p.outcome is null;

-- name: proposals_of
-- What became of a case's records, and of their flags.
select p.record_id, p.outcome, p.decided_by, p.site_id, p.decided_at, d.decision as flag, d.decided_by as flag_by,
       d.decided_at as flag_at, d.reason as flag_reason
from case_proposals p left join case_flag_decisions d using (case_id, record_id)
where p.case_id = $1 order by p.record_id;

-- name: undecided
-- Records of a case that were not voided, whose flags stand and wait for a person.
select p.record_id, f.volunteer_id from case_proposals p join record_flags f using (case_id, record_id)
where p.case_id = $1 and p.outcome in ('kept', 'lapsed') and f.standing
  and not exists (select from case_flag_decisions d where d.case_id = p.case_id and d.record_id = p.record_id)
order by p.record_id;

-- name: decide
-- A person's decision on these flags.
insert into case_flag_decisions (case_id, record_id, decision, decided_by, decided_at, reason)
select $1, record_id, $3, $4, $5, $6 from unnest($2::uuid[]) as f (record_id);

-- name: clear
-- Flags that hold against nothing any more.
update record_flags set standing = false, changed_in = pg_current_xact_id()
where case_id = $1 and record_id = any($2::uuid[]) and standing;
