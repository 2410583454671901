-- name: acts
-- Acts of operators in any service, newest first; a record that the audit topic holds otherwise is none.
select number, event_id, value::text as value from events
where topic = 'audit' and kind = 'event' and type = 'volunteering.audit.operator-acted.v1'
    and ($1::bigint is null or number < $1)
    and ($2::text is null or value ->> 'act' = $2)
    and ($3::uuid is null or value ->> 'actor_id' = $3::text)
    and ($4::text is null or value ->> 'service' = $4)
order by number desc limit $5;
