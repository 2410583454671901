-- The auditor reads every column of redemptions but the words of people; the device came later than that grant.
grant select (device_ref) on redemption to auditor;
