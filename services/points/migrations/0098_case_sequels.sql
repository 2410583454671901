-- What goes beyond the records of settled cases opens a further case, a sequel: the first one's id, and how many cases
-- had been settled before. A first case has neither.
alter table cases
    add column first_case_id uuid references cases,
    add column sequel integer not null default 0 check (sequel >= 0),
    add constraint cases_sequel_of check ((sequel = 0) = (first_case_id is null));
create unique index cases_sequels on cases (first_case_id, sequel) where first_case_id is not null;

create or replace function cases_are_settled_once() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or old.status <> 'open'
       or (new.case_id, new.kind, new.subject_kind, new.subject, new.evidence, new.opened_at, new.first_case_id, new.sequel)
          is distinct from (old.case_id, old.kind, old.subject_kind, old.subject, old.evidence, old.opened_at,
                            old.first_case_id, old.sequel) then
        raise exception 'a case is settled once and never changed' using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
