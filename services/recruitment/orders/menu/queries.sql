-- name: list_needs
-- What can be ordered, by name.
select g.tag_id, g.tag, g.zh, g.en, g.closed_at, n.what, coalesce(n.minutes, 60) as minutes, coalesce(n.people, 1) as people,
       coalesce(n.orderable, true) as orderable, n.theme_id, coalesce(n.version, 0) as version
from need_tags g left join order_needs n using (tag_id)
where g.closed_at is null and ($1::boolean or coalesce(n.orderable, true)) order by g.zh, g.tag_id;

-- name: save_need
-- The next version; a concurrent change leaves nothing to write.
insert into order_needs (tag_id, what, minutes, people, orderable, theme_id, version, changed_by, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (tag_id) do update
set what = excluded.what, minutes = excluded.minutes, people = excluded.people, orderable = excluded.orderable,
    theme_id = excluded.theme_id, version = excluded.version, changed_by = excluded.changed_by, changed_at = excluded.changed_at
where order_needs.version = excluded.version - 1 returning version;

-- name: list_projects
-- The brand projects (亮单), each with its page.
select p.project_id, p.name, p.summary, p.site_id, s.name as site_name
from projects p join sites s using (site_id) where p.closed_at is null order by p.name, p.project_id;

-- name: list_days
-- The exceptions of the working week in a year.
select day, works, source from working_days where day between $1::date and $2::date order by day;

-- name: save_day
-- A day off, or a weekend day that is worked; what the centre says stands in place of a notice.
insert into working_days (day, works, noted_by, noted_at) values ($1, $2, $3, $4)
on conflict (day) do update set works = excluded.works, noted_by = excluded.noted_by, noted_at = excluded.noted_at,
    source = null;
