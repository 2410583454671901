-- Integrity: what looked like fraud, which records it is about, and what a person decided.

-- Versions of the thresholds, of which "effective_from" selects the one in force by the day of what happened.
create table threshold_versions (
    version        integer     primary key check (version > 0),
    name           text        not null,
    effective_from date        not null,
    document       jsonb       not null,
    content_hash   bytea       not null,
    created_at     timestamptz not null default now()
);

-- A case is opened once, whatever is replayed: its id follows from kind, subject and what it is about.
-- evidence: what was found when it was opened {day, measured, limit, unit, …}; numbers, times and nothing of a person.
create table cases (
    case_id            uuid        primary key,
    kind               text        not null
                                   check (kind in ('two-sites', 'burst', 'no-check-in', 'many-accounts', 'long-day')),
    subject_kind       text        not null check (subject_kind in ('volunteer', 'recorder', 'device')),
    subject            text        not null,
    site_ids           uuid[]      not null,
    evidence           jsonb       not null,
    thresholds_version integer     not null,
    opened_at          timestamptz not null,                                  -- business time, as settled_at
    status             text        not null default 'open' check (status in ('open', 'cleared', 'confirmed')),
    settled_by         uuid,
    settled_at         timestamptz,
    reason             text,
    correlation_id     text        not null,
    check ((status = 'open') = (settled_at is null)
        and (settled_at is null) = (settled_by is null) and (settled_at is null) = (reason is null))
);
create index cases_newest on cases (opened_at desc, case_id desc);
create index cases_open on cases (opened_at desc, case_id desc) where status = 'open';

-- Which records a case is about. "standing" until the case is cleared; whether that holds points back says the rule.
create table record_flags (
    record_id    uuid    not null,
    volunteer_id uuid    not null,                                            -- whose record it is
    case_id      uuid    not null references cases,
    kind         text    not null,
    standing     boolean not null default true,
    primary key (record_id, case_id)
);
create index record_flags_of on record_flags (volunteer_id) where standing;
create index record_flags_of_case on record_flags (case_id);

-- How many flags stand about a volunteer's records, kept under the volunteer's lock: who has none is not asked about them.
alter table volunteers add column standing_flags integer not null default 0 check (standing_flags >= 0);

create function cases_are_settled_once() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or old.status <> 'open'
       or (new.case_id, new.kind, new.subject_kind, new.subject, new.evidence, new.opened_at)
          is distinct from (old.case_id, old.kind, old.subject_kind, old.subject, old.evidence, old.opened_at) then
        raise exception 'a case is settled once and never changed' using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
create trigger cases_are_settled_once before update or delete on cases
    for each row execute function cases_are_settled_once();
revoke delete, truncate on cases, record_flags from :app_role;
