-- A recipient is a volunteer or a member of staff. Their ids are drawn from one space, so the id alone says whose inbox it is.
alter table messages rename column volunteer_id to recipient_id;
alter table deliveries rename column volunteer_id to recipient_id;
alter table delivery_attempts rename column volunteer_id to recipient_id;

-- Hours that the account recorded and that were refused or denied.
insert into templates (template, version, title, body) values
('recorded_hours_refused', 1,
 '您记录的时长未计入：{{ what }}',
 '您{% if activity %}在「{{ activity }}」{% endif %}{{ day }}为志愿者记录的 {{ minutes }} 分钟：{{ what }}，不计入。核对意见在“时长核对”（/staff/approvals?view=recorded）里；确有依据的，请补充材料后重新补记。'),
('recorded_hours_denied', 1,
 '志愿者对您记录的时长有异议',
 '您{% if activity %}在「{{ activity }}」{% endif %}{{ day }}为志愿者记录的 {{ minutes }} 分钟，本人表示不对。记录暂不计入，由其他站点核对；请准备好签到表等依据。');
