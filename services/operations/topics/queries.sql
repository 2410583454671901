-- name: ends
-- The end of each partition and what lies on it, as far as it is indexed.
select topic, partition, incarnation, next_offset, records, size, moved_at from positions order by topic, partition;

-- name: rates
-- Records and bytes of each minute since a time.
select topic, minute, records, size from topic_minutes where minute >= $1 order by topic, minute;
