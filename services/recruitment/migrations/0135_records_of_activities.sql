-- The records of an activity are found as a whole, to preview what voiding it would change.
create index attendance_records_activity on attendance_records (activity_id) where status <> 'void';
