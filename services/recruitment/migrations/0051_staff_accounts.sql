-- Staff accounts: who invited, activated, closed and reset them. The holder alone knows the password.
alter table staff
    add column state text not null default 'active' check (state in ('pending', 'active', 'deactivated')),
    -- bootstrap: made on the machine at installation; added: of before there were invitations.
    add column origin text not null default 'added' check (origin in ('bootstrap', 'added', 'invited')),
    add column created_by uuid references staff,
    add column activated_by uuid references staff,
    add column activated_at timestamptz,
    add column deactivated_by uuid references staff,
    add column deactivated_at timestamptz,
    add column reset_by uuid references staff,
    add column reset_at timestamptz,
    add column password_changed_at timestamptz,
    add column last_sign_in_at timestamptz,
    add constraint staff_nobody_activates_themselves check (activated_by <> staff_id and activated_by <> created_by),
    add constraint staff_nobody_deactivates_themselves check (deactivated_by <> staff_id);
update staff set state = 'deactivated' where not active;
alter table staff drop column active, drop column attempts, drop column attempted_at;
alter table staff add column active boolean not null generated always as (state = 'active') stored;
-- One person has one open account; a change of role or site is a new one.
alter table staff drop constraint staff_person_id_key;
create unique index staff_person on staff (person_id) where state <> 'deactivated';

create table staff_invitations (
    invitation_id uuid primary key,
    username      text not null check (username ~ '^[a-z0-9][a-z0-9._-]{2,49}$'),
    -- Name and phone lie in the vault; the link is derived from the id and is stored nowhere.
    person_id     uuid not null references vault_people,
    role          text not null check (role in ('station', 'operator', 'engineer')),
    site_id       uuid references sites,
    invited_by    uuid not null references staff,
    -- Real time, like every lease.
    invited_at    timestamptz not null,
    expires_at    timestamptz not null,
    accepted_at   timestamptz,
    staff_id      uuid unique references staff,
    withdrawn_at  timestamptz,
    withdrawn_by  uuid references staff,
    check (role <> 'station' or site_id is not null),
    check ((accepted_at is null) = (staff_id is null)),
    check (accepted_at is null or withdrawn_at is null),
    check ((withdrawn_at is null) = (withdrawn_by is null))
);
create unique index staff_invitations_username on staff_invitations (username)
    where accepted_at is null and withdrawn_at is null;
create index staff_invitations_open on staff_invitations (invited_at) where accepted_at is null and withdrawn_at is null;

revoke all on staff_invitations from auditor;
