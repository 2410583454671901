-- Message templates in zh-CN, as data: a change of wording is a new version, and every message names the one it was made from.
create table templates (
    template    text not null check (template ~ '^[a-z_]{1,50}$'),
    version     integer not null check (version > 0),
    locale      text not null default 'zh-CN',
    title       text not null,
    body        text not null,
    created_at  timestamptz not null default clock_timestamp(),
    primary key (template, locale, version)
);

-- What stands in old messages' records is never rewritten.
create function templates_are_final() returns trigger language plpgsql as $$
begin
    raise exception 'template % version % is final: insert a new version', old.template, old.version;
end $$;
create trigger templates_are_final before update or delete on templates
    for each row execute function templates_are_final();

insert into templates (template, version, title, body) values
('points_awarded', 1,
 '获得 {{ amount }} 分',
 '感谢您的付出！您{% if activity %}在「{{ activity }}」{% endif %}的志愿服务获得 {{ amount }} 分{% if available is not none %}，当前可用 {{ available }} 分{% endif %}{% if debt %}，尚欠 {{ debt }} 分{% endif %}。'),
('points_bonus', 1,
 '首次服务奖励 {{ amount }} 分',
 '欢迎加入志愿红！您完成了第一次志愿服务，另获奖励 {{ amount }} 分{% if available is not none %}，当前可用 {{ available }} 分{% endif %}。'),
('points_reversed', 1,
 '积分更正：扣回 {{ amount }} 分',
 '因服务记录更正，扣回 {{ amount }} 分{% if available is not none %}，当前可用 {{ available }} 分{% endif %}{% if debt %}，尚欠 {{ debt }} 分，今后的积分会先行抵还{% endif %}。在积分明细里可以看到原因；如有疑问，请联系服务站点核实。'),
('points_expired', 1,
 '{{ amount }} 分已到期',
 '您有 {{ amount }} 分已到有效期{% if available is not none %}，当前可用 {{ available }} 分{% endif %}。您的服务时长永久保留。'),
('star_reached', 1,
 '恭喜成为{{ name }}',
 '恭喜您成为{{ name }}！您的每一小时都被记住。微光成炬，感谢有您。'),
('badge_awarded', 1,
 '点亮徽章：{{ name }}',
 '恭喜您获得「{{ name }}」徽章！微光成炬，感谢有您。'),
('badge_revoked', 1,
 '「{{ name }}」暂时收回',
 '因服务记录更正，您暂不满足「{{ name }}」的条件。继续服务，它会再次点亮。'),
('signup_placed', 1,
 '报名成功：{{ activity }}',
 '您已报名「{{ activity }}」，时间 {{ starts_at | moment }} 至 {{ ends_at | moment }}。请到场扫码签到；如不能参加，请提前取消，把名额留给别人。'),
('signup_cancelled', 1,
 '已取消报名',
 '您{% if activity %}在「{{ activity }}」{% endif %}的报名已取消。期待下次与您同行。'),
('redemption_held', 1,
 '已为您预留「{{ reward }}」',
 '已预留「{{ reward }}」（{{ points }} 分），请在 {{ expires_at | moment }} 前到站点领取。领取码在“我的兑换”里查看，请勿告诉他人。'),
('redemption_captured', 1,
 '已领取「{{ reward }}」',
 '您已领取「{{ reward }}」，使用 {{ points }} 分。感谢您的奉献。'),
('redemption_released', 1,
 '「{{ reward }}」的预留已取消',
 '「{{ reward }}」的预留已取消，{{ points }} 分已退回您的账户。'),
('redemption_refunded', 1,
 '「{{ reward }}」已退回',
 '「{{ reward }}」已退回，{{ points }} 分已退还您的账户。'),
('email_letter', 1,
 '{{ title }}',
 E'{{ name }}，您好！\n\n{{ body }}\n\n雷锋来过咱岭东，志愿服务在心中。\n\n（此信由系统发送，请勿回复。可在“我的消息”里关闭邮件通知。）\n');
