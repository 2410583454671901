-- A code belongs to the browser that asked for it: what others try or ask for does not touch it.
alter table one_time_codes
    add column purpose text not null default 'login' check (purpose in ('login', 'invitation', 'reset')),
    drop column superseded;

-- Where a session is used, and the browser that its tokens are bound to; null for API clients.
alter table sessions
    add column binding bytea,
    add column address text,
    add column agent text,
    add column last_used_at timestamptz;
create index sessions_person on sessions (person_id, created_at);
create index sessions_staff on sessions (staff_id, created_at) where staff_id is not null;
