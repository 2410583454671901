-- What a roll-call asserts counts within the caps like an upload.
alter table attendance_assertions drop constraint attendance_assertions_kind_check;
alter table attendance_assertions add constraint attendance_assertions_kind_check
    check (kind in ('upload', 'confirm', 'overtime', 'roll-call'));
