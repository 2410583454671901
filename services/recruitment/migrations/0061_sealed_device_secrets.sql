-- The secret of a device lies sealed under the vault's keys. Secrets of before are sealed when the API starts next; no more is
-- taken in plain (not valid: the rows of before wait to be sealed).
alter table devices alter column secret drop not null, add column secret_key bytea, add column sealed_secret bytea;
alter table devices add constraint devices_secret_is_sealed check (secret is null) not valid;
alter table devices add constraint devices_have_a_secret
    check ((secret_key is null) = (sealed_secret is null) and (secret is null) <> (sealed_secret is null));
