-- Points that two operators gave or took back by hand, and rewards that wait for pickup.
insert into templates (template, version, title, body) values
('points_adjusted', 1,
 '积分调整：增加 {{ amount }} 分',
 '经两名工作人员审核，为您增加 {{ amount }} 分{% if available is not none %}，当前可用 {{ available }} 分{% endif %}。在积分明细里可以看到原因。'),
('points_adjusted_down', 1,
 '积分调整：减少 {{ amount }} 分',
 '经两名工作人员审核，此前的人工调整被更正，减少 {{ amount }} 分{% if available is not none %}，当前可用 {{ available }} 分{% endif %}{% if debt %}，尚欠 {{ debt }} 分，今后的积分会先行抵还{% endif %}。在积分明细里可以看到原因；如有疑问，请联系服务站点核实。'),
('redemption_reminder', 1,
 '请领取「{{ reward }}」',
 '为您预留的「{{ reward }}」（{{ points }} 分）还未领取，请在 {{ expires_at | moment }} 前到站点领取；逾期预留取消，积分退回您的账户。');
