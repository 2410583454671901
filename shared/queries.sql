-- name: drivable
-- Production must not run on a database whose business time somebody may move.
select drivable from business.clock;
