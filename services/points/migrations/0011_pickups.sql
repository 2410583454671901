-- Pickup by the code alone: what staff typed wrong, and the codes of holds that have ended.

-- One row per member of staff. In real time, like every limit on guessing.
create table pickup_guess (
    staff_id  uuid primary key,
    since     timestamptz not null,
    guesses   integer not null check (guesses >= 0)
);

-- For a day: so that a code that is typed once more is answered "already handed over" and not "wrong".
create table pickup_spent (
    redemption_id  uuid primary key references redemption,
    code           text not null,
    spent_at       timestamptz not null
);
create index pickup_spent_code on pickup_spent (code);

revoke select on pickup_spent from auditor;
