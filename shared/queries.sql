-- name: drivable
-- Production must not run on a database whose business time can be driven.
select drivable from business.clock;
