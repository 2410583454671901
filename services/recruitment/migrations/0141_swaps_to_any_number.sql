-- A number that no volunteer has is proposed to as any other, so that the answer does not say who is registered.
alter table shift_swaps alter column to_id drop not null, add column to_number text,
    add constraint swaps_addressed check ((to_id is null) = (to_number is not null)),
    add constraint swaps_of_volunteers check (to_id is not null or state in ('proposed', 'withdrawn', 'refused'));
