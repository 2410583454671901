-- A volunteer's number is printed on cards and certificates, so it is no pseudonym: it is in no event, old ones included.
update outbox
set value = convert_to((convert_from(value, 'UTF8')::jsonb - 'volunteer_number')::text, 'UTF8')
where topic = 'volunteers' and position('"volunteer_number"'::bytea in value) > 0;
