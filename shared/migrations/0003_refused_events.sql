-- An event that the broker will not take as it is (too large, not to be encoded) lies aside and holds up no other.
alter table outbox add column refused_at timestamptz, add column refusal text;
create index outbox_refused on outbox (id) where refused_at is not null;
