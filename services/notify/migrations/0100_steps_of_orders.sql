-- Messages about orders say the step in their title, and where to go on.
insert into templates (template, version, title, body) values
('order_resident', 2,
 '{{ heading | default("您的点单") }}：{{ need }}',
 '您的点单“{{ need }}”：{{ said }}{% if starts_at %}（服务时间 {{ starts_at | moment }}）{% endif %}。进展见“我的点单”（/orders）。'),
('order_leader', 2,
 '{{ heading | default("点单") }}：{{ need }}',
 '点单“{{ need }}”：{{ said }}{% if starts_at %}（服务时间 {{ starts_at | moment }}）{% endif %}。请到“接单”（/staff/offers）查看。'),
('order_staff', 2,
 '{{ heading | default("点单待办") }}：{{ need }}',
 '点单“{{ need }}”：{{ said }}。请到“居民点单”（/staff/orders）查看。');
