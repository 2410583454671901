-- Kinds of cases that are found across many records: hours far above those of peers, denials, referrals that serve once.
alter table cases drop constraint cases_kind_check;
alter table cases add constraint cases_kind_check check (kind in (
    'two-sites', 'burst', 'no-check-in', 'many-accounts', 'long-day', 'recorder-hours', 'denials', 'one-time-referrals'));

-- What volunteers denied of what others recorded about them; each revision of a record once.
create table integrity_denials (
    record_id    uuid        not null,
    revision     integer     not null,
    volunteer_id uuid        not null,
    recorded_by  uuid        not null,
    site_id      uuid,
    day          date        not null,                                        -- of the denial, in the district's zone
    primary key (record_id, revision)
);
create index integrity_denials_by_recorder on integrity_denials (recorded_by, day);
grant select on integrity_denials to auditor;
