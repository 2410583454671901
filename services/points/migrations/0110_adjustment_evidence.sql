-- What an adjustment rests on may speak of a person, so it is sealed under a key of its own, and erased by deleting the row:
-- the adjustment beside it is never changed. Evidence of before is sealed when the API starts next; no more is taken in plain.
create table adjustment_evidence (
    adjustment_id  uuid primary key references adjustments,
    volunteer_id   uuid not null,
    wrapped_key    bytea not null,
    sealed         bytea not null
);
create index adjustment_evidence_volunteer on adjustment_evidence (volunteer_id);
revoke update on adjustment_evidence from :app_role;
revoke select on adjustment_evidence from auditor;

alter table adjustments alter column evidence drop not null;
-- Not valid: it holds for what is written from now on, and the rows of before wait to be sealed.
alter table adjustments add constraint adjustment_evidence_is_sealed check (evidence is null) not valid;

-- The reason stays as it is: it is said to the volunteer, whose statement explains the points by it for as long as the ledger
-- does, and the form asks for no names in it. Neither is the auditor's business, who proves sums.
revoke select on adjustments from auditor;
grant select (adjustment_id, volunteer_id, points, corrects, status, proposed_by, proposed_at, decided_by, decided_at,
              decided_on, correlation_id) on adjustments to auditor;

create or replace function adjustments_are_final() returns trigger language plpgsql as $$
begin
    -- The one change of what was said: plain evidence goes once it lies sealed, whatever became of the adjustment.
    if tg_op = 'UPDATE' and old.evidence is not null and new.evidence is null
       and to_jsonb(new) - 'evidence' = to_jsonb(old) - 'evidence'
       and exists (select from :schema.adjustment_evidence e where e.adjustment_id = old.adjustment_id) then
        return new;
    end if;
    if tg_op = 'DELETE' or old.status <> 'proposed'
       or (new.volunteer_id, new.points, new.corrects, new.reason, new.evidence, new.proposed_by, new.proposed_at)
          is distinct from
          (old.volunteer_id, old.points, old.corrects, old.reason, old.evidence, old.proposed_by, old.proposed_at) then
        raise exception 'an adjustment is decided once and never changed' using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
