-- The note of a decision says what that rests on, as the evidence of the proposal does: sealed beside it, and erased with it.
alter table adjustment_evidence add column part text not null default 'evidence' check (part in ('evidence', 'note'));
alter table adjustment_evidence alter column part drop default;
alter table adjustment_evidence drop constraint adjustment_evidence_pkey;
alter table adjustment_evidence add primary key (adjustment_id, part);

alter table adjustments alter column decision_note drop not null, alter column decision_note drop default;
-- Not valid, as for evidence: rows of before wait to be sealed when the API starts next, both texts of a row at once.
alter table adjustments add constraint adjustment_note_is_sealed check (decision_note is null) not valid;

create or replace function adjustments_are_final() returns trigger language plpgsql as $$
begin
    -- The one change of what was said: plain text goes once it lies sealed, whatever became of the adjustment. Of one that
    -- nobody has decided on there is no note to seal.
    if tg_op = 'UPDATE' and (old.evidence is not null or old.decision_note is not null)
       and to_jsonb(new) = to_jsonb(old) || '{"evidence": null, "decision_note": null}'
       and (old.evidence is null or exists (
               select from :schema.adjustment_evidence e where e.adjustment_id = old.adjustment_id and e.part = 'evidence'))
       and (old.decision_note is null or old.decided_at is null or exists (
               select from :schema.adjustment_evidence e where e.adjustment_id = old.adjustment_id and e.part = 'note')) then
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
