-- Records of a shift that were closed automatically: the site's staff are asked to check them.
insert into templates (template, version, title, body) values
('records_auto_closed', 1,
 '请核对：{{ day }}有人没有签退',
 '{% if activity %}「{{ activity }}」{% else %}班次{% endif %}有人没有签退，系统按班次结束先记下了，等您确认后才计入。请到“服务记录”（/staff/records）核对，本人怎么说也写在那里。');
