-- An event's headers are written once and read once, whole: kept as the text that they are.
alter table outbox alter column headers type json using headers::json;
