-- Changed phones: by codes to both, or by staff with sealed evidence. No number is kept here.
create table phone_changes (
    change_id     uuid primary key,
    volunteer_id  uuid not null references volunteers,
    changed_at    timestamptz not null,
    changed_by    uuid not null,
    by_staff      boolean not null,
    wrapped_key   bytea,
    sealed        bytea,
    check ((wrapped_key is null) = (sealed is null)),
    check (by_staff = (sealed is not null))
);
create index phone_changes_volunteer on phone_changes (volunteer_id, changed_at);
revoke delete on phone_changes from :app_role;
alter table one_time_codes drop constraint one_time_codes_purpose_check,
    add constraint one_time_codes_purpose_check check (purpose in ('login', 'invitation', 'reset', 'phone'));

-- The terms that volunteers accepted, by version. Those who agreed before there were versions agreed to the first.
create table consents (
    volunteer_id  uuid not null references volunteers,
    version       integer not null check (version > 0),
    accepted_at   timestamptz not null,
    guardian      boolean not null,
    primary key (volunteer_id, version)
);
revoke update, delete on consents from :app_role;
insert into consents (volunteer_id, version, accepted_at, guardian)
select volunteer_id, 1, consented_at, guardian_consent from volunteers where consented_at is not null;
