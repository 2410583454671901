-- The ingest writes many events in one row. Trying to compress them costs more than the rows that it saves.
alter table outbox alter column value set storage external;
