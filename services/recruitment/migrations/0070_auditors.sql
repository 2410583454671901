-- Auditors: they read what engineers read and act on nothing.
alter table staff drop constraint staff_role_check,
    add constraint staff_role_check check (role in ('station', 'operator', 'engineer', 'auditor'));
alter table staff_invitations drop constraint staff_invitations_role_check,
    add constraint staff_invitations_role_check check (role in ('station', 'operator', 'engineer', 'auditor'));
