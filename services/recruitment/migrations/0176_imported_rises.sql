-- Rows of a batch whose volunteer was known with other hours: those whose hours rose by the file, by how much, and those left as they were.
alter table import_batches add column raised integer not null default 0 check (raised >= 0);
alter table import_batches add column raised_minutes bigint not null default 0 check (raised_minutes >= 0);
alter table import_batches add column kept integer not null default 0 check (kept >= 0);
