-- One row per start of a process. An orderly end deletes it, so that what remains and is silent has crashed.
create table process_lives (
    start_id   uuid primary key,
    role       text not null,
    started_at timestamptz not null,
    seen_at    timestamptz not null
);
