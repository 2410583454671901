-- name: log_position
-- How much PostgreSQL has written to its log, in bytes.
select pg_current_wal_insert_lsn() - '0/0'::pg_lsn;
