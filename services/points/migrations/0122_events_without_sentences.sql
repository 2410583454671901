-- Events name reasons by codes; sentences stay with their owner, old events included.
update outbox
set value = convert_to((convert_from(value, 'UTF8')::jsonb - 'reason')::text, 'UTF8')
where topic in ('badges', 'team-badges', 'redemptions') and position('"reason"'::bytea in value) > 0;
