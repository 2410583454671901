-- Rules come into force for everybody, one volunteer after the other: generations of rules, and the moves between them.

-- A generation is a set of active rule versions; it never changes, and the newest is where everybody is to be. The first
-- is what was active so far; while it is empty nothing can have been judged by it, and the first start fills it.
-- made_in: the transaction that made it, so that "was it made after that snapshot?" has an exact answer.
create table rule_generations (
    generation integer     primary key check (generation > 0),
    versions   integer[]   not null,
    made_in    xid8        not null default pg_current_xact_id(),
    made_at    timestamptz not null                                          -- business time
);
insert into rule_generations (generation, versions, made_at)
select 1, coalesce(array_agg(version order by version), '{}'), business.now() from rule_versions where status = 'active';

-- Under which generation all buckets of the volunteer stand. Whoever decides by rules holds the lock 'points/rules' shared
-- from before the account is opened or locked; whoever makes a generation holds it alone.
alter table volunteers add column generation integer not null default 1;
alter table volunteers alter column generation drop default;
create index volunteers_of_generation on volunteers (generation, volunteer_id);

-- A rehearsed draft on its way into force, or out of it again. Two operators each time; at most one is under way.
-- *_total are points over the volunteers moved so far, as in activation_moves.
-- problem: why the move stopped where it is. settled_in: the transaction in which the last move ended. generation: the one that the activation made;
-- reversal_generation: the one that took the version out.
create table activations (
    activation_id        uuid        primary key,
    version              integer     not null references rule_versions,
    rehearsal_id         uuid        not null references rehearsals,
    status               text        not null default 'proposed' check (status in (
        'proposed', 'rejected', 'withdrawn', 'applying', 'applied', 'reversing', 'reversed')),
    reason               text        not null check (length(reason) > 0),
    proposed_by          uuid        not null,
    proposed_at          timestamptz not null,
    decided_by           uuid,
    decided_at           timestamptz,
    reversal_reason      text,
    reversal_proposed_by uuid,
    reversal_proposed_at timestamptz,
    reversal_decided_by  uuid,
    reversal_decided_at  timestamptz,
    generation           integer     references rule_generations,
    reversal_generation  integer     references rule_generations,
    volunteers_total     bigint,
    volunteers_moved     bigint      not null default 0,
    predicted_total      bigint      not null default 0,
    actual_total         bigint      not null default 0,
    other_total          bigint      not null default 0,
    reversed_total       bigint      not null default 0,
    late                 bigint      not null default 0,
    problem              text,
    settled_in           xid8,
    settled_at           timestamptz,
    correlation_id       text        not null,
    -- Four eyes, whatever the program thinks.
    constraint activation_second_person check (status in ('proposed', 'withdrawn') or decided_by <> proposed_by),
    constraint activation_withdrawn_by_proposer check (status <> 'withdrawn' or decided_by = proposed_by),
    constraint reversal_second_person check (reversal_decided_by <> reversal_proposed_by),
    constraint activation_decided check ((status = 'proposed') = (decided_by is null)
        and (decided_by is null) = (decided_at is null)),
    constraint reversal_decided check ((status in ('reversing', 'reversed')) = (reversal_decided_by is not null)
        and (reversal_decided_by is null) = (reversal_decided_at is null)),
    constraint reversal_proposed check (num_nonnulls(reversal_reason, reversal_proposed_by, reversal_proposed_at) in (0, 3)
        and (reversal_decided_by is null or reversal_proposed_by is not null)),
    constraint activation_begun check ((generation is null) = (status in ('proposed', 'rejected', 'withdrawn'))),
    constraint reversal_begun check ((reversal_generation is null) = (status not in ('reversing', 'reversed'))),
    constraint activation_stopped check (problem is null or status in ('applying', 'reversing'))
);
create unique index activation_under_way on activations ((true)) where status in ('applying', 'reversing');
create unique index activation_proposed_once on activations (version) where status = 'proposed';
revoke delete, truncate on activations from :app_role;

-- Who said what, in order; nothing of it changes. acted_by is null where the mover itself reports.
create table activation_steps (
    activation_id uuid        not null references activations,
    number        integer     not null,
    act           text        not null,
    acted_by      uuid,
    acted_at      timestamptz not null,                                      -- business time
    note          text        not null default '',
    primary key (activation_id, number)
);
revoke update, delete, truncate on activation_steps from :app_role;

-- What the move was for each volunteer about whom the rehearsal or the change had anything to say. actual: what the
-- buckets that records feed (the first service included) gained; other: the bonuses for people brought in and manual
-- adjustments, of which a rehearsal says nothing. late_*: inputs that the rehearsal's snapshot did not hold; where there
-- are none, actual is what was predicted. reversed: what the reversal took from (or gave back to) all of the buckets.
create table activation_moves (
    activation_id   uuid        not null references activations,
    volunteer_id    uuid        not null,
    predicted       bigint      not null,
    actual          bigint      not null,
    other           bigint      not null,
    late_records    uuid[]      not null default '{}',
    late_complaints uuid[]      not null default '{}',
    reversed        bigint,
    moved_at        timestamptz not null,
    primary key (activation_id, volunteer_id),
    constraint equals_the_prediction check (actual = predicted or late_records <> '{}' or late_complaints <> '{}')
);
create index activation_moves_late on activation_moves (activation_id, volunteer_id)
    where late_records <> '{}' or late_complaints <> '{}';
revoke delete, truncate on activation_moves from :app_role;

-- "Was it there at that snapshot?", for what a rehearsal looks at besides records, and for records that changed hands.
alter table complaints
    add column recorded_in  xid8 not null default pg_current_xact_id(),
    add column withdrawn_in xid8;
alter table superseded_revisions add column superseded_in xid8 not null default pg_current_xact_id();
create index superseded_of_volunteer on superseded_revisions (volunteer_id);
