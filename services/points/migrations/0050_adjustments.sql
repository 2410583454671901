-- Manual adjustments: a reason, evidence, and two operators. An approved one is an input of the bucket
-- 'life/adjustment/<adjustment_id>'; a later one that corrects it ("corrects" names the first) is a further input of the same.

create table adjustments (
    adjustment_id  uuid        primary key,
    volunteer_id   uuid        not null,
    points         integer     not null check (points between -1000000 and 1000000 and points <> 0),
    corrects       uuid        references adjustments,
    reason         text        not null check (length(reason) > 0),
    evidence       text        not null check (length(evidence) > 0),
    status         text        not null default 'proposed'
                               check (status in ('proposed', 'approved', 'rejected', 'withdrawn')),
    proposed_by    uuid        not null,
    proposed_at    timestamptz not null,
    decided_by     uuid,
    decided_at     timestamptz,
    decided_on     date,                                          -- the district's day of the decision
    decision_note  text        not null default '',
    correlation_id text        not null,
    constraint adjustment_decided check ((status = 'proposed') = (decided_at is null)
        and (decided_at is null) = (decided_by is null) and (decided_at is null) = (decided_on is null)),
    -- Four eyes, whatever the program thinks.
    constraint adjustment_second_person check (status not in ('approved', 'rejected') or decided_by <> proposed_by),
    constraint adjustment_withdrawn_by_proposer check (status <> 'withdrawn' or decided_by = proposed_by),
    -- Points that service earned are lowered where the service is corrected; here only what was adjusted before.
    constraint adjustment_lowers_an_adjustment check (points > 0 or corrects is not null)
);
create index adjustments_of_volunteer on adjustments (volunteer_id, adjustment_id desc);
create index adjustments_open on adjustments (adjustment_id desc) where status = 'proposed';
create index adjustments_correcting on adjustments (corrects) where corrects is not null;

create function adjustments_are_final() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or old.status <> 'proposed'
       or (new.volunteer_id, new.points, new.corrects, new.reason, new.evidence, new.proposed_by, new.proposed_at)
          is distinct from
          (old.volunteer_id, old.points, old.corrects, old.reason, old.evidence, old.proposed_by, old.proposed_at) then
        raise exception 'an adjustment is decided once and never changed' using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
create trigger adjustments_are_final before update or delete on adjustments
    for each row execute function adjustments_are_final();
revoke delete, truncate on adjustments from :app_role;
