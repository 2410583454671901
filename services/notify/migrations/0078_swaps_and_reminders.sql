-- Places that are passed on, and shifts that are near.
insert into templates (template, version, title, body) values
('swap_proposed', 1,
 '有人想把班次换给您：{{ activity }}',
 '一位志愿者想把「{{ activity }}」（{{ starts_at | moment }}）的名额换给您。请在“我的班次”里接受或谢绝；不处理则名额不变。'),
('swap_decided', 1,
 '换班结果{% if activity %}：{{ activity }}{% endif %}',
 '您{% if activity %}在「{{ activity }}」{% endif %}的换班：{% if outcome == ''agreed'' %}对方已同意，因为有人在候补，还要等队长或站点同意{% elif outcome == ''refused'' %}没有换成，名额仍是您的{% else %}已撤回{% endif %}。'),
('signup_passed_on', 1,
 '名额已换给别人{% if activity %}：{{ activity }}{% endif %}',
 '您{% if activity %}在「{{ activity }}」{% endif %}的名额已换给另一位志愿者，您不必到场。'),
('signup_cancelled_late', 1,
 '已取消报名（超过取消期限）',
 '您{% if activity %}在「{{ activity }}」{% endif %}的报名已取消。这次取消超过了期限，记为临时取消；下次请尽早取消，好让候补的人来得及。'),
('shift_reminder', 1,
 '{{ activity }}：{{ starts_at | moment }} 开始',
 '您报名的「{{ activity }}」将在 {{ starts_at | moment }} 开始，地点和所带物品见“我的班次”。{% if hours > 2 %}如不能参加，请现在取消，把名额留给别人。{% else %}请准时到场扫码签到。{% endif %}');
