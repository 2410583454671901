-- One message per event and volunteer. Texts hold titles of activities and rewards and numbers, never a name or address.
create table messages (
    message_id        uuid primary key,
    event_id          uuid not null,
    volunteer_id      uuid not null,
    template          text not null,
    template_version  integer not null,
    title             text not null,
    body              text not null,
    correlation_id    text not null,
    created_at        timestamptz not null,
    read_at           timestamptz,
    unique (event_id, volunteer_id)
);
create index messages_inbox on messages (volunteer_id, created_at desc, message_id desc);
create index messages_unread on messages (volunteer_id) where read_at is null;

-- The highest version seen of each aggregate: what is older tells of a state that is no more.
create table seen_versions (
    aggregate_id  text primary key,
    version       bigint not null
);

-- The highest star a volunteer was told of: an import that reaches three stars at once is one message, not three.
create table stars_told (
    volunteer_id  uuid primary key,
    level         smallint not null
);

-- Titles of activities, learnt from sign-ups: points events carry the id only.
create table activity_titles (
    activity_id  uuid primary key,
    title        text not null
);
