-- Posts inside a shift, with places of their own; a sign-up names one or none.
create table shift_posts (
    post_id   uuid primary key,
    shift_id  uuid not null references shifts,
    name      text not null check (length(name) between 1 and 50),
    capacity  integer not null check (capacity between 1 and 10000),
    position  smallint not null,
    ended_at  timestamptz
);
create index shift_posts_shift on shift_posts (shift_id) where ended_at is null;
revoke delete on shift_posts from :app_role;

create table signup_posts (
    signup_id  uuid primary key references signups,
    post_id    uuid not null references shift_posts
);
create index signup_posts_post on signup_posts (post_id);
