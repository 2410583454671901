-- Keyed hash of a person's whole name: staff find a volunteer by it, without a readable copy. Names are not unique. Rows of
-- before get theirs when the API next starts.
alter table vault_people add column name_lookup bytea;
create index vault_people_name on vault_people (name_lookup) where name_lookup is not null;
create index vault_people_unnamed on vault_people (person_id) where name_lookup is null;
