-- Lines of the catalogue are changed in the open: who changed what, what it said before and after.

-- Append-only.
create table reward_change (
    change_id  uuid        primary key,
    reward_id  uuid        not null references reward,
    before     jsonb       not null,
    after      jsonb       not null,
    changed_at timestamptz not null,
    changed_by uuid        not null,
    check (before <> after)
);
create index reward_change_reward on reward_change (reward_id, change_id desc);
revoke update, delete on reward_change from :app_role;

-- Whoever fetched this reward at this site, for the staff's list of one shelf.
create index redemption_shelf on redemption (reward_id, site_id, redemption_id desc);
