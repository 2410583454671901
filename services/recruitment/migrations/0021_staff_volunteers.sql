-- A member of staff may be a volunteer too; the centre says which, so that nobody decides on records or points of their own.
alter table staff
    add column volunteer_id uuid references volunteers,
    add column volunteer_said_by uuid,
    add column volunteer_said_at timestamptz,
    add constraint volunteer_said_by_somebody check (
        (volunteer_said_by is null) = (volunteer_said_at is null)
        and (volunteer_id is null or volunteer_said_by is not null));
