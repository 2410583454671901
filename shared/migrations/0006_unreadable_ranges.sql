-- A dead letter may stand for a range of offsets that the client library cannot read: from offset_ to last_offset.
alter table dead_letters add column last_offset bigint check (last_offset >= offset_);
