-- Steps of residents' orders: to the resident, to leaders, to the staff of the desk. What is said stands in the code, by act.
insert into templates (template, version, title, body) values
('order_resident', 1,
 '您的点单：{{ need }}',
 '您的点单“{{ need }}”：{{ said }}{% if starts_at %}（服务时间 {{ starts_at | moment }}）{% endif %}。进展见“我的点单”（/me/orders）。'),
('order_leader', 1,
 '点单：{{ need }}',
 '点单“{{ need }}”：{{ said }}{% if starts_at %}（服务时间 {{ starts_at | moment }}）{% endif %}。请到“队伍的点单”查看。'),
('order_staff', 1,
 '点单待办：{{ need }}',
 '点单“{{ need }}”：{{ said }}。请到“点单”查看。');
