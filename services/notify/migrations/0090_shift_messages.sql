-- Messages of those who run a shift; their own words are read on the shift's page, where only its people see them.
insert into templates (template, version, title, body) values
('shift_message', 1,
 '{{ activity }}：{% if subject == ''meeting'' %}集合提醒{% elif subject == ''bring'' %}请带好物品{% elif subject == ''weather'' %}注意天气{% elif subject == ''place'' %}地点说明{% elif subject == ''thanks'' %}谢谢您{% else %}带队人有话对您说{% endif %}',
 '「{{ activity }}」（{{ starts_at | moment }}）的带队人给这个班次的志愿者发来消息：{% if subject == ''meeting'' %}请提前几分钟到场集合，到场后扫码签到{% elif subject == ''bring'' %}请带好活动需要的物品，清单见班次页面{% elif subject == ''weather'' %}请留意天气，穿戴合适{% elif subject == ''place'' %}请看清班次页面上的地点再出发{% elif subject == ''thanks'' %}谢谢您来服务{% else %}内容见班次页面{% endif %}。{% if words %}附言请到“我的班次”里打开这个班次（/me/shifts/{{ shift }}）查看。{% endif %}');
