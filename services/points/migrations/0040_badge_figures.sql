-- The figures that badges are judged by beyond hours and counts of a lifetime: per year, per theme, weeks served.
-- One JSON text per volunteer, written together with the balances, so that they cost no row of their own. It holds what
-- the criteria of "criteria_version" keep, in the order of their meters; other criteria count anew from the records.
alter table volunteers add column badge_figures text;

-- Who was judged before and holds no badge was so by the first criteria; 0 is for who has no confirmed service.
update volunteers set criteria_version = 1
where criteria_version = 0 and credit_records + honour_records + imported_records > 0;

comment on column volunteers.criteria_version is
    'criteria under which badges and badge_figures were last judged; 0 before the first confirmed record';
