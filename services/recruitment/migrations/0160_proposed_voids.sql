-- Who settled the case that proposed a void: that account hears what another site decided. Null in proposals from before.
alter table suspicions add column settled_by uuid;
create index suspicions_of_record on suspicions (record_id);
