-- In which transaction a flag came, went, or got another owner: so that "had the rehearsal seen it?" has an exact answer.
alter table record_flags add column changed_in xid8 not null default pg_current_xact_id();
