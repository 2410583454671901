-- Records that were closed automatically: the volunteer is asked when they left.
insert into templates (template, version, title, body) values
('record_auto_closed', 1,
 '请核对：{{ day }}没有签退',
 '您{% if activity %}在「{{ activity }}」{% endif %}没有签退，系统按班次结束记为 {{ minutes }} 分钟，等站点确认后才计入。请到“我的服务时长”（/me/hours）告诉站点：一直在、几点走的，或者没有来。');
