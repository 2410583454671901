-- How often something was tried, by a keyed hash of who and where: nothing here is readable. Real time.
create table limit_counters (
    kind     text not null,
    key      bytea not null,
    began_at timestamptz not null,
    hits     integer not null,
    last_at  timestamptz not null,
    primary key (kind, key)
);
create index limit_counters_last on limit_counters (last_at);
revoke all on limit_counters from auditor;
