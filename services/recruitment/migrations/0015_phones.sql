-- Which phone somebody scanned with: `phone:` and a random id that its browser made once, which says nothing of whom it
-- belongs to. Registered devices are told by their uuid; a volunteer's word never passes for one of them.

alter table attendance_records add constraint records_device check (
    device_ref is null or (provenance = 'scanned') = (device_ref ~ '^phone:[A-Za-z0-9_-]{16,64}$'));
alter table attendance_revisions add constraint revisions_device check (
    device_ref is null or (provenance = 'scanned') = (device_ref ~ '^phone:[A-Za-z0-9_-]{16,64}$'));
