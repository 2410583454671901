-- An activity may ask for several trainings and skills; all of them must be there.
alter table activity_details
    add column needs_trainings text[] not null default '{}'
        check (cardinality(needs_trainings) <= 10 and array_to_string(needs_trainings, ',', '!') ~ '^([a-z0-9-]{1,40}(,[a-z0-9-]{1,40})*)?$'),
    add column needs_skills text[] not null default '{}'
        check (cardinality(needs_skills) <= 10 and array_to_string(needs_skills, ',', '!') ~ '^([a-z0-9-]{1,40}(,[a-z0-9-]{1,40})*)?$');
update activity_details
set needs_trainings = array_remove(array[needs_training], null), needs_skills = array_remove(array[needs_skill], null)
where needs_training is not null or needs_skill is not null;
alter table activity_details drop column needs_training, drop column needs_skill;
