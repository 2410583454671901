-- name: all_templates
-- Every version of one locale; the highest of each name is in force.
select template, version, title, body from templates where locale = $1;
