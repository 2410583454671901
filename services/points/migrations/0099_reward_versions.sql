-- Whoever changes a line of the catalogue says which state of it they saw, so that nobody overwrites what they never read.
alter table reward add column version integer not null default 1 check (version > 0);
