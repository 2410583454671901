-- Keys come as rings. A wrapped key names the master key that it was wrapped under in its first bytes (one of 60 bytes is of
-- before and was wrapped under key 1); the hashes of a person name theirs here.
alter table vault_people add column lookup_key_id text not null default '1' check (lookup_key_id ~ '^[a-z0-9]{1,16}$');
alter table vault_people drop column key_version;

-- Wrapping a key anew changes nothing of what it sealed, nor of the history beside it.
grant update (wrapped_key) on attendance_evidence to :app_role;
