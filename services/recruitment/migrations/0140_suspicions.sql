-- Records that a confirmed case of integrity proposed to void: each waits once for another site's decision.
create table suspicions (
    case_id     uuid        not null,
    record_id   uuid        not null references attendance_records,
    proposed_at timestamptz not null,
    primary key (case_id, record_id)
);
revoke update, delete on suspicions from :app_role;

alter table attendance_revisions drop constraint attendance_revisions_change_check;
alter table attendance_revisions add constraint attendance_revisions_change_check check (change in (
    'check_in', 'check_out', 'upload', 'import', 'auto_close', 'confirm', 'correct', 'void',
    'approve', 'reject', 'deny', 'restore', 'overtime', 'add', 'resume', 'suspect'));
