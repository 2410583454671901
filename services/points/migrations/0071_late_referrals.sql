-- A rehearsal also tells of the bonuses for people brought in, so a referral that it had not seen is a late input too.
alter table referrals
    add column recorded_in  xid8 not null default pg_current_xact_id(),
    add column withdrawn_in xid8;

-- actual: what the buckets of records, the first service and the bonuses for people brought in gained; other: manual
-- adjustments, of which a rehearsal says nothing.
alter table activation_moves add column late_referrals uuid[] not null default '{}';
alter table activation_moves drop constraint equals_the_prediction;
alter table activation_moves add constraint equals_the_prediction check (
    actual = predicted or late_records <> '{}' or late_complaints <> '{}' or late_referrals <> '{}');
drop index activation_moves_late;
create index activation_moves_late on activation_moves (activation_id, volunteer_id)
    where late_records <> '{}' or late_complaints <> '{}' or late_referrals <> '{}';
