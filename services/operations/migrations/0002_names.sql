-- Public names of sites and activities, for sentences; of a site "site_id" is the one above it, of an activity its own.
create table names (
    id uuid primary key,
    kind text not null check (kind in ('site', 'activity')),
    name text not null,
    site_id uuid,
    version bigint not null
);
