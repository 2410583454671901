-- Drives have public names too, which their events carry; those that are indexed already are learnt here.
alter table names drop constraint names_kind_check;
alter table names add constraint names_kind_check check (kind in ('site', 'activity', 'drive'));
insert into names (id, kind, name, site_id, version)
select distinct on (id) id, 'drive', name, site_id, version
from (
    select (value ->> 'drive_id')::uuid as id, left(value ->> 'name', 500) as name, site_id, coalesce(aggregate_version, 1) as version
    from events
    where topic = 'drives' and kind = 'event' and value ->> 'drive_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
        and jsonb_typeof(value -> 'name') = 'string'
) as drives
order by id, version desc
on conflict (id) do nothing;
