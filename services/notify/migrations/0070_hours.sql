-- What other people say about one's hours is told at once, and says how to deny it.
insert into templates (template, version, title, body) values
('hours_recorded', 1,
 '为您记录了服务 {{ minutes }} 分钟',
 '工作人员为您{% if activity %}在「{{ activity }}」{% endif %}{{ day }}的服务{{ what }} {{ minutes }} 分钟{% if waits %}，待其他站点核对后计入{% endif %}。如果不对，请在 {{ until | moment }} 前到“我的服务时长”（/me/hours）点“不对”。'),
('hours_changed', 1,
 '您的服务记录被更改',
 '工作人员{{ what }}了您{% if activity %}在「{{ activity }}」{% endif %}{{ day }}的服务记录，现为 {{ minutes }} 分钟{% if waits %}，待其他站点核对后计入{% endif %}。原因写在“我的服务时长”（/me/hours）里{% if until is not none %}；如果不对，请在 {{ until | moment }} 前点“不对”{% endif %}。'),
('hours_decided', 1,
 '服务记录核对结果：{{ what }}',
 '您{% if activity %}在「{{ activity }}」{% endif %}{{ day }}的服务 {{ minutes }} 分钟，其他站点核对结果：{{ what }}。{{ then }}'),
('hours_denied', 1,
 '已收到您的异议',
 '您对{% if activity %}在「{{ activity }}」{% endif %}{{ day }}的服务记录提出了异议。记录暂不计入，由其他站点核对后告知您结果。');
