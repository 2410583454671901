-- The page of deliveries that ended otherwise than sent reads these few among all.
create index deliveries_not_sent on deliveries (status, updated_at, event_id, recipient_id) where status <> 'sent';
