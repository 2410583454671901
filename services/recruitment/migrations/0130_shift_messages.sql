-- Messages to the people of a shift. Own words are sealed: they are read here and travel in no event.
create table shift_messages (
    message_id   uuid primary key,
    shift_id     uuid not null references shifts,
    kind         text not null check (kind in ('meeting', 'bring', 'weather', 'place', 'thanks', 'other')),
    wrapped_key  bytea,
    sealed       bytea,
    sent_by      uuid not null,
    by_staff     boolean not null,
    sent_at      timestamptz not null,
    recipients   integer not null check (recipients > 0),
    check ((wrapped_key is null) = (sealed is null)),
    check (kind <> 'other' or sealed is not null)
);
create index shift_messages_shift on shift_messages (shift_id, sent_at);
revoke delete on shift_messages from :app_role;
