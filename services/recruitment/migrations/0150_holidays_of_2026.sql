-- The calendar's first version: the State Council's notice for 2026. `source` names where a day is from; the centre's have none.
alter table working_days alter column noted_by drop not null;
alter table working_days add column source text check (length(source) between 1 and 200);
alter table working_days add constraint working_days_known check ((noted_by is null) = (source is not null));
insert into working_days (day, works, noted_by, noted_at, source)
select day::date, works, null, '2025-11-04 00:00+08', '国务院办公厅关于2026年部分节假日安排的通知'
from (values
    ('2026-01-01', false), ('2026-01-02', false), ('2026-01-04', true),                          -- 元旦
    ('2026-02-14', true), ('2026-02-16', false), ('2026-02-17', false), ('2026-02-18', false),   -- 春节
    ('2026-02-19', false), ('2026-02-20', false), ('2026-02-23', false), ('2026-02-28', true),
    ('2026-04-06', false),                                                                       -- 清明节
    ('2026-05-01', false), ('2026-05-04', false), ('2026-05-05', false), ('2026-05-09', true),   -- 劳动节
    ('2026-06-19', false),                                                                       -- 端午节
    ('2026-09-25', false),                                                                       -- 中秋节
    ('2026-09-20', true), ('2026-10-01', false), ('2026-10-02', false), ('2026-10-05', false),   -- 国庆节
    ('2026-10-06', false), ('2026-10-07', false), ('2026-10-10', true)
) as notice (day, works)
on conflict (day) do nothing;
