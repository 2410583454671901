-- Errors of records that volunteers point out, also that there is none, and the answers of sites. Words are sealed for the volunteer.
create table rectifications (
    rectification_id  uuid primary key,
    shift_id          uuid not null references shifts,
    volunteer_id      uuid not null references volunteers,
    wrapped_key       bytea not null,
    sealed            bytea not null,
    asked_at          timestamptz not null,
    outcome           text check (outcome in ('corrected', 'kept')),
    answer_key        bytea,
    answer_sealed     bytea,
    answered_by       uuid,
    answered_at       timestamptz,
    check (num_nulls(outcome, answer_key, answer_sealed, answered_by, answered_at) in (0, 5))
);
create unique index rectifications_open on rectifications (shift_id, volunteer_id) where answered_at is null;
create index rectifications_volunteer on rectifications (volunteer_id, asked_at);
create index rectifications_asked on rectifications (asked_at, rectification_id);
revoke delete on rectifications from :app_role;
