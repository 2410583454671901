-- A rehearsal keeps one row per volunteer; of old ones that no activation rests on, only totals and budget are kept.
alter table rehearsals add column forgotten_at timestamptz;
comment on column rehearsals.forgotten_at is 'since when the volunteers'' differences are gone; real time';
create index rehearsals_kept on rehearsals (finished_at) where status = 'done' and forgotten_at is null;
