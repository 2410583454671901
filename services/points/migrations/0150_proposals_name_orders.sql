-- Proposed complaints name the order, whose desk reads the resident's words, and keep the reason of their decision.
alter table proposed_complaints add column order_id uuid;
alter table proposed_complaints add column reason text;
