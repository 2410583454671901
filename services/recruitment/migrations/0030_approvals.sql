-- What one account asserts, and what waits for another site's approval. Records that exist keep their state.

alter table attendance_revisions drop constraint attendance_revisions_change_check;
alter table attendance_revisions add constraint attendance_revisions_change_check check (change in (
    'check_in', 'check_out', 'upload', 'import', 'auto_close', 'confirm', 'correct', 'void',
    'approve', 'reject', 'deny', 'restore', 'overtime', 'add'));

-- Approved minutes after the shift's end, part of `minutes`; and the record that an entered one adds forgotten time to.
alter table attendance_records
    add column overtime_minutes integer not null default 0 check (overtime_minutes >= 0),
    add column linked_record_id uuid references attendance_records;
alter table attendance_revisions
    add column overtime_minutes integer not null default 0,
    add column linked_record_id uuid;

-- Minutes that an account vouched for and that counted at once: the caps are sums over this table. What waits for another
-- site is not in it. Rows stay when the record changes, so that voiding does not make room for more.
create table attendance_assertions (
    record_id     uuid not null references attendance_records,
    kind          text not null check (kind in ('upload', 'confirm', 'overtime')),
    asserter_id   uuid not null,
    volunteer_id  uuid not null references volunteers,
    -- Of the record's start, in the district's zone.
    day           date not null,
    minutes       integer not null check (minutes >= 0),
    asserted_at   timestamptz not null,
    primary key (record_id, kind)
);
create index attendance_assertions_day on attendance_assertions (asserter_id, day) include (volunteer_id, minutes);

create table attendance_approvals (
    approval_id        uuid primary key,
    record_id          uuid not null references attendance_records,
    volunteer_id       uuid not null references volunteers,
    reasons            text[] not null check (cardinality(reasons) > 0),
    -- Every account that had a hand in the record, and the site that each belonged to then (the centre's own for the centre).
    claimant_ids       uuid[] not null,
    claimant_sites     uuid[] not null,
    -- Where the activity takes place, and when the record's first revision was written: who may decide depends on both.
    site_id            uuid references sites,
    first_recorded_at  timestamptz not null,
    -- Minutes that an approval adds to a record that stands; 0 when the record itself waits.
    overtime_minutes   integer not null default 0 check (overtime_minutes >= 0),
    opened_at          timestamptz not null,
    lapses_at          timestamptz not null check (lapses_at > opened_at),
    state              text not null default 'open' check (state in ('open', 'approved', 'rejected', 'lapsed', 'withdrawn')),
    decided_by         uuid,
    decided_at         timestamptz,
    decision_reason    text check (length(decision_reason) between 1 and 500),
    constraint approvals_decided check ((state = 'open') = (decided_at is null))
);
create unique index attendance_approvals_one_open on attendance_approvals (record_id) where state = 'open';
create index attendance_approvals_open on attendance_approvals (opened_at, approval_id) where state = 'open';
create index attendance_approvals_due on attendance_approvals (lapses_at) where state = 'open';
create index attendance_approvals_record on attendance_approvals (record_id, opened_at);

-- Entered hours that waited for a second approver go on waiting, as approvals.
insert into attendance_approvals (approval_id, record_id, volunteer_id, reasons, claimant_ids, claimant_sites, site_id,
                                  first_recorded_at, opened_at, lapses_at)
select r.record_id, r.record_id, r.volunteer_id, array['backfilled'],
       coalesce((select array_agg(distinct v.made_by) from attendance_revisions v
                 where v.record_id = r.record_id and v.made_by is not null and v.made_by <> r.volunteer_id), '{}'),
       case when coalesce(r.recorder_site_id, r.site_id) is null then '{}'
            else array[coalesce(r.recorder_site_id, r.site_id)] end,
       r.site_id, r.recorded_at, business.now(), business.now() + interval '30 days'
from attendance_records r where r.status = 'provisional' and r.provenance = 'backfilled';

-- A device numbers its uploads; a gap means that one is missing, or that another machine signs with its secret.
alter table devices
    add column last_sequence bigint not null default 0 check (last_sequence >= 0),
    add column sequence_gap_at timestamptz;

revoke update, delete on attendance_assertions from :app_role;
revoke delete on attendance_approvals from :app_role;
revoke select on attendance_approvals from auditor;
grant select (approval_id, record_id, volunteer_id, reasons, claimant_ids, claimant_sites, site_id, first_recorded_at,
              overtime_minutes, opened_at, lapses_at, state, decided_by, decided_at) on attendance_approvals to auditor;
grant select (last_sequence, sequence_gap_at) on devices to auditor;
-- To find approvals inside one site, and recorders by their site: no name, no password.
grant select (staff_id, role, site_id, volunteer_id, created_at) on staff to auditor;
