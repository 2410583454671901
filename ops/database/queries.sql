-- name: statement_create_database
-- Names cannot be parameters: the server quotes them for us.
select format('create database %I', $1::text);

-- name: statement_copy_database
-- A test's own database, copied from the migrated template (file copy is quickest for small ones).
select format('create database %I template %I strategy file_copy', $1::text, $2::text);

-- name: statement_drop_database
-- A test's database when the test is over; open connections are closed.
select format('drop database if exists %I with (force)', $1::text);

-- name: database_exists
-- Creating a database cannot be made idempotent in one statement.
select exists (select from pg_database where datname = $1);

-- name: lock
-- Two bootstraps at once would trip over each other's roles.
select pg_advisory_xact_lock(hashtextextended('weiguang:bootstrap', 0));

-- name: helpers
-- Roles with a password that comes as a parameter and so is in no statement log; they vanish with the session.
create or replace function pg_temp.ensure_role(role text, password text) returns void language plpgsql as $$
begin
    if not exists (select from pg_roles where rolname = role) then
        execute format('create role %I', role);
    end if;
    execute format(
        'alter role %I login password %L nosuperuser nocreatedb nocreaterole noreplication nobypassrls connection limit -1',
        role, password
    );
end $$;
create or replace function pg_temp.ensure_service(service text) returns void language plpgsql as $$
declare
    owner text := service || '_owner';
    app text := service || '_app';
begin
    execute format('create schema if not exists %I authorization %I', service, owner);
    execute format('revoke all on schema %I from public', service);
    execute format('grant usage on schema %I to %I, auditor', service, app);
    execute format('alter role %I set search_path = %I', owner, service);
    execute format('alter role %I set search_path = %I', app, service);
    execute format('alter role %I set lock_timeout = %L', app, '20s');
    execute format('alter role %I set idle_in_transaction_session_timeout = %L', app, '60s');
    execute format('alter role %I set statement_timeout = %L', app, '90s');
end $$;

-- name: ensure_role
-- A role that may log in and may do nothing else yet.
select pg_temp.ensure_role($1, $2);

-- name: ensure_service
-- A service's schema: its owner migrates it, its app role lives in it, the auditor may look.
select pg_temp.ensure_service($1);

-- name: auditor_reads_only
-- The audit cannot write, whatever it is given later.
alter role auditor set default_transaction_read_only = on;

-- name: business_clock
-- Business time is one port: driven in demo and tests, the machine's clock in production.
create schema if not exists business;
create table if not exists business.clock (
    single boolean primary key default true check (single),
    drivable boolean not null,
    instant timestamptz,
    check (drivable or instant is null)
);
create or replace function business.now() returns timestamptz language sql stable parallel safe as $$
    select coalesce((select instant from business.clock), clock_timestamp())
$$;
create or replace function business.set_now(at timestamptz) returns void language plpgsql security definer
set search_path = business, pg_temp as $$
begin
    update business.clock set instant = at where drivable;
    if not found then
        raise exception 'business time cannot be driven here' using errcode = 'insufficient_privilege';
    end if;
end $$;
revoke all on function business.set_now(timestamptz) from public;
grant usage on schema business to public;
grant select on business.clock to public;

-- name: allow_driving
-- Decided when the database is first made, and never loosened afterwards: production stays production.
insert into business.clock (drivable) values ($1) on conflict (single) do nothing;

-- name: grant_driving
-- Only this role may move business time.
grant execute on function business.set_now(timestamptz) to clock_driver;

-- name: set_now
-- Drive business time; null gives it back to the machine's clock.
select business.set_now($1);

-- name: drivable
-- What this database was made for.
select drivable from business.clock;
