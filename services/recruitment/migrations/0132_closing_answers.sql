-- What volunteers say about records that were closed automatically; the site decides with it.
create table closing_answers (
    record_id    uuid primary key references attendance_records,
    revision     integer not null check (revision >= 2),
    answer       text not null check (answer in ('stayed', 'left', 'absent')),
    left_at      timestamptz,
    answered_at  timestamptz not null,
    check ((answer = 'left') = (left_at is not null))
);
revoke delete on closing_answers from :app_role;
