-- A draft that takes effect later changes nothing yet; it may be rehearsed as if it had been in force since this day.
alter table rehearsals add column as_if_from date;
