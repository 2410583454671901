-- Rules as data: drafts, complaints and referrals as facts that rules look at, and donation of what is above a
-- highest balance.

-- Drafts are numbered from 1001: lower numbers belong to the versions that the service ships.
alter table rule_versions
    add column source     text,                                              -- as it was written; null if shipped
    add column drafted_by uuid;

-- A complaint about one record or about everybody's records of an activity. What it does is the rule's business.
create table complaints (
    complaint_id     uuid        primary key,
    activity_id      uuid,
    record_id        uuid,
    reason           text        not null,
    recorded_by      uuid        not null,
    recorded_at      timestamptz not null,                                   -- business time, as below
    withdrawn_by     uuid,
    withdrawn_at     timestamptz,
    withdrawn_reason text,
    check (num_nonnulls(activity_id, record_id) = 1),
    check (num_nonnulls(withdrawn_by, withdrawn_at, withdrawn_reason) in (0, 3))
);
create index complaints_of_record on complaints (record_id) where withdrawn_at is null and record_id is not null;
create index complaints_of_activity on complaints (activity_id) where withdrawn_at is null and activity_id is not null;
-- All records of an activity are looked for when somebody complains. Records of an activity lie close together and their
-- ids were made in the order of time, so that ranges of blocks do, and cost the ingest next to nothing.
create index records_of_activity on records using brin (activity_id);

-- Who brought whom in. The bonus is the bucket 'life/referral/<referred_id>' of the one who did.
create table referrals (
    referral_id      uuid        primary key,
    referrer_id      uuid        not null,
    referred_id      uuid        not null,
    day              date        not null,                                   -- when it was recorded, in the district's zone
    recorded_by      uuid        not null,
    recorded_at      timestamptz not null,
    withdrawn_by     uuid,
    withdrawn_at     timestamptz,
    withdrawn_reason text,
    check (referrer_id <> referred_id),
    check (num_nonnulls(withdrawn_by, withdrawn_at, withdrawn_reason) in (0, 3))
);
create unique index referred_once on referrals (referred_id) where withdrawn_at is null;
create index referrals_of on referrals (referrer_id);

-- What is reversed may have been donated already; and where a reversal makes room, donated points come back.
alter table transfers drop constraint known_movement;
alter table transfers add constraint known_movement check ((code, debit, credit) in (
    ('award', 0, 1), ('reversal', 1, 0), ('reversal', 5, 0), ('reversal', 6, 0), ('reversal', 3, 0),
    ('repayment', 1, 3), ('hold', 1, 2), ('capture', 2, 4), ('release', 2, 1), ('refund', 4, 1),
    ('expiry', 1, 5), ('donation', 1, 6), ('return', 6, 1)));
create index transfers_of_donations on transfers (volunteer_id) where credit = 6 or debit = 6;
