-- Proposed voids of confirmed cases: to the staff who may decide, and what was decided to who settled the case.
insert into templates (template, version, title, body) values
('voids_proposed', 1,
 '请核对：{{ records }} 条被核查的服务记录',
 '有 {{ records }} 条服务记录经核查确认有问题，等另一个站点决定是否作废，您的站点可以决定。请到“时长核对”（/staff/approvals）查看，30 天内有效。'),
('voids_decided', 1,
 '核查结果：{{ records }} 条记录',
 '您确认的核查事项里，{{ records }} 条记录{{ said }}。请看核查事项（/staff/cases/{{ case }}）。');
