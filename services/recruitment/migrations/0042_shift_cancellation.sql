-- Shifts that were called off. One that had begun ended at that moment; one that had not keeps its times.
alter table shifts
    add column cancelled_at timestamptz,
    add column cancelled_by uuid,
    add column cancel_reason text check (
        cancel_reason in ('weather', 'too-few-people', 'place-unavailable', 'no-leader', 'other')),
    add constraint shifts_cancellation_whole check (
        (cancelled_at is null) = (cancelled_by is null) and (cancelled_at is null) = (cancel_reason is null));
grant select (cancelled_at, cancelled_by, cancel_reason) on shifts to auditor;
