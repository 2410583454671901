-- An activity that was made from an order is visible to its team only.
alter table activities add column visibility text not null default 'public' check (visibility in ('public', 'team'));
