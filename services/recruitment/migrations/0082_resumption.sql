-- A volunteer who checked out by mistake goes on: the record is open again.
alter table attendance_revisions drop constraint attendance_revisions_change_check;
alter table attendance_revisions add constraint attendance_revisions_change_check check (change in (
    'check_in', 'check_out', 'upload', 'import', 'auto_close', 'confirm', 'correct', 'void',
    'approve', 'reject', 'deny', 'restore', 'overtime', 'add', 'resume'));
