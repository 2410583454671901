-- The accounts that invited, activated or reset the proposer's, when it proposed: none of them is the second person. Proposals that
-- were open before have none noted.
alter table adjustments add column proposer_makers uuid[] not null default '{}';
alter table activations
    add column proposer_makers uuid[] not null default '{}',
    add column reversal_proposer_makers uuid[] not null default '{}';
alter table adjustments add constraint adjustment_by_no_maker
    check (status not in ('approved', 'rejected') or decided_by <> all (proposer_makers));
alter table activations add constraint activation_by_no_maker
    check (status in ('proposed', 'withdrawn') or decided_by <> all (proposer_makers));
alter table activations add constraint reversal_by_no_maker check (reversal_decided_by <> all (reversal_proposer_makers));

create or replace function adjustments_are_final() returns trigger language plpgsql as $$
begin
    -- The one change of what was said: plain text goes once it lies sealed, whatever became of the adjustment. One that is
    -- still undecided has no note to seal.
    if tg_op = 'UPDATE' and (old.evidence is not null or old.decision_note is not null)
       and to_jsonb(new) = to_jsonb(old) || '{"evidence": null, "decision_note": null}'
       and (old.evidence is null or exists (
               select from :schema.adjustment_evidence e where e.adjustment_id = old.adjustment_id and e.part = 'evidence'))
       and (old.decision_note is null or old.decided_at is null or exists (
               select from :schema.adjustment_evidence e where e.adjustment_id = old.adjustment_id and e.part = 'note')) then
        return new;
    end if;
    if tg_op = 'DELETE' or old.status <> 'proposed'
       or (new.volunteer_id, new.points, new.corrects, new.reason, new.evidence, new.proposed_by, new.proposed_at,
           new.proposer_makers)
          is distinct from
          (old.volunteer_id, old.points, old.corrects, old.reason, old.evidence, old.proposed_by, old.proposed_at,
           old.proposer_makers) then
        raise exception 'an adjustment is decided once and never changed' using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
