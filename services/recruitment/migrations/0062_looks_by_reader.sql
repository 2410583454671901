-- A quota counts what one member of staff has read lately.
create index vault_reads_reader on vault_reads (reader, read_at);
