-- Sites and activities are published from now on; those that exist are published once, at the version that they have.
insert into outbox (event_id, topic, key, headers, value)
select id, 'sites', site_id::text,
    json_build_object(
        'ce_specversion', '1.0', 'ce_id', id::text, 'ce_type', 'volunteering.site.changed.v1',
        'ce_source', 'weiguang/recruitment', 'ce_subject', site_id::text,
        'ce_time', to_json(created_at)#>>'{}', 'ce_aggregateid', site_id::text,
        'ce_aggregateversion', version::text, 'ce_correlationid', id::text, 'content-type', 'application/json'),
    convert_to(json_build_object(
        'site_id', site_id, 'kind', kind, 'name', name, 'parent_id', parent_id, 'closed', closed_at is not null,
        'changed_at', coalesce(closed_at, created_at))::text, 'UTF8')
from (select gen_random_uuid() as id, * from sites order by created_at, site_id) as site;

insert into outbox (event_id, topic, key, headers, value)
select id, 'activities', activity_id::text,
    json_build_object(
        'ce_specversion', '1.0', 'ce_id', id::text, 'ce_type', 'volunteering.activity.changed.v1',
        'ce_source', 'weiguang/recruitment', 'ce_subject', activity_id::text,
        'ce_time', to_json(planned_at)#>>'{}', 'ce_aggregateid', activity_id::text,
        'ce_aggregateversion', version::text, 'ce_correlationid', id::text, 'content-type', 'application/json'),
    convert_to(json_build_object(
        'activity_id', activity_id, 'title', title, 'site_id', site_id, 'team_id', team_id, 'state', state,
        'starts_at', starts_at, 'changed_at', coalesce(closed_at, opened_at, planned_at))::text, 'UTF8')
from (
    select gen_random_uuid() as id, * from activities where state <> 'planned' order by planned_at, activity_id
) as activity;
