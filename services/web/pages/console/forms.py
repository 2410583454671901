"""The sentences of each event type, as data: the script of the live page says the same as `sentences`. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.web.pages.case_words import CASE_KINDS
from services.web.pages.language import N_

__all__ = ["ABSENT", "FIELDS", "FORMS", "PRESENT", "SAYINGS", "TOPIC_WORDS", "WORDS", "SentenceForm"]

PRESENT = ("*",)
ABSENT: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SentenceForm:
    """A sentence, and the values of the event's members that select it; the first form of a type that fits is said."""

    said: str
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


FIELDS: Mapping[str, tuple[str, str]] = {
    "volunteer": ("volunteer_id", "volunteer"),
    "subject_volunteer": ("subject", "volunteer"),
    "site": ("site_id", "site"),
    "recorder_site": ("recorder_site_id", "site"),
    "activity": ("activity_id", "activity"),
    "drive": ("drive_id", "drive"),
    "team": ("team_id", "team"),
    "minutes": ("minutes", "minutes"),
    "overtime": ("overtime_minutes", "minutes"),
    "measured_minutes": ("measured", "minutes"),
    "amount": ("amount", "signed"),
    "starts_at": ("starts_at", "moment"),
    "expires_at": ("expires_at", "moment"),
    "offer_until": ("offer_until", "moment"),
    "started_at": ("started_at", "moment"),
    "case_kind": ("kind", "word"),
    "channel": ("channel", "word"),
    "role": ("role", "word"),
    "act": ("act", "word"),
    "monitor": ("monitor", "word"),
    "template": ("template", "word"),
}
"""Placeholder → the member that fills it, and how it is said. One that is not here is a member, said as it is."""

WORDS: Mapping[str, Mapping[str, str]] = {
    "case_kind": CASE_KINDS,
    "channel": {"inbox": N_("站内消息"), "email": N_("电子邮件"), "sms": N_("短信"), "wechat": N_("微信")},
    "monitor": {
        "silence": N_("班次中没有签到"),
        "device-silence": N_("设备没有上传"),
        "dead-letters": N_("死信激增"),
        "corrections": N_("更正激增"),
        "lag": N_("积压增长"),
        "standstill": N_("消费组停滞"),
        "outbox-age": N_("发件箱积压"),
        "restarts": N_("进程反复重启"),
    },
    "template": {
        "alert_cleared": N_("告警解除"),
        "alert_raised": N_("告警"),
        "badge_awarded": N_("获得徽章"),
        "badge_revoked": N_("收回徽章"),
        "hours_changed": N_("服务记录更改"),
        "hours_decided": N_("时长核对结果"),
        "hours_denied": N_("收到异议"),
        "hours_recorded": N_("代记时长"),
        "order_leader": N_("点单（队长）"),
        "order_resident": N_("点单进展"),
        "order_staff": N_("点单待办"),
        "points_adjusted": N_("积分增补"),
        "points_adjusted_down": N_("积分扣减"),
        "points_awarded": N_("获得积分"),
        "points_bonus": N_("奖励积分"),
        "points_expired": N_("积分过期"),
        "points_reversed": N_("积分冲回"),
        "record_auto_closed": N_("没有签退"),
        "records_auto_closed": N_("站点核对没签退的记录"),
        "recorded_hours_denied": N_("代记时长被否认"),
        "recorded_hours_refused": N_("代记时长未核准"),
        "rectification_answered": N_("更正申请的答复"),
        "redemption_captured": N_("奖品已领"),
        "redemption_held": N_("兑换待领"),
        "redemption_refunded": N_("兑换退回"),
        "redemption_released": N_("兑换取消"),
        "redemption_reminder": N_("领取提醒"),
        "shift_called_off": N_("班次取消"),
        "shift_message": N_("班次消息"),
        "shift_reminder": N_("班次提醒"),
        "signup_cancelled": N_("报名取消"),
        "signup_cancelled_late": N_("临近取消报名"),
        "signup_passed_on": N_("名额转让"),
        "signup_placed": N_("报名成功"),
        "star_reached": N_("达到星级"),
        "swap_decided": N_("换班结果"),
        "swap_proposed": N_("请求换班"),
        "waitlist_ended": N_("候补结束"),
        "waitlist_joined": N_("进入候补"),
        "waitlist_offered": N_("候补名额"),
        "waitlist_promoted": N_("候补转正"),
        "waitlist_skipped": N_("候补跳过"),
        "voids_decided": N_("作废提议的结果"),
        "voids_proposed": N_("作废提议"),
    },
    "role": {
        "engineer": N_("工程师"),
        "operator": N_("操作员"),
        "auditor": N_("审计员"),
        "station": N_("站点工作人员"),
    },
    "act": {
        "look": N_("查看死信"),
        "replay": N_("重放死信"),
        "discard": N_("搁置死信"),
        "restore": N_("取回搁置的死信"),
        "pause": N_("暂停消费组"),
        "resume": N_("恢复消费组"),
        "reset": N_("回拨消费组"),
        "threshold": N_("更改告警阈值"),
        "audit": N_("核查账本"),
    },
}

TOPIC_WORDS: Mapping[str, str] = {
    "volunteers": N_("志愿者"),
    "drives": N_("招募"),
    "signups": N_("报名和取消"),
    "attendance": N_("服务记录"),
    "assertions": N_("代记"),
    "orders": N_("居民点单"),
    "points": N_("积分"),
    "badges": N_("个人徽章"),
    "team-badges": N_("团队徽章"),
    "redemptions": N_("兑换记录"),
    "integrity": N_("核查"),
    "proposals": N_("作废提议"),
    "notifications": N_("送达"),
    "pulse": N_("脉搏"),
    "beats": N_("心跳"),
    "audit": N_("操作"),
    "alerts": N_("告警"),
    "sites": N_("阵地"),
    "activities": N_("活动"),
}
"""Topic → what it holds; a topic that is not here is called by its name, dead letters are called so."""

SAYINGS: Mapping[str, str] = {
    "hours": N_("%(hours)s 小时"),
    "hours_minutes": N_("%(hours)s 小时 %(minutes)s 分钟"),
    "minutes": N_("%(minutes)s 分钟"),
    "no_site": N_("未注明的站点"),
    "no_activity": N_("未注明的活动"),
    "someone": N_("志愿者 %(end)s"),
    "unnamed": N_("编号 %(end)s"),
    "unknown": N_("%(type)s（没有对应的说法）"),
    "dead-letter": N_("主题 %(topic)s：一条记录无法处理，成为死信"),
    "foreign": N_("主题 %(topic)s：一条没有信封的记录"),
    "unreadable": N_("主题 %(topic)s：一条读不出的记录"),
    "conflicting": N_("主题 %(topic)s：编号重复、内容不同的记录"),
    "omitted": N_("%(type)s，内容较大（%(size)s 字节），请打开查看"),
}
"""What is said of values, and of records that hold no event."""

_ATTENDANCE = (
    SentenceForm(N_("%(volunteer)s 在%(site)s的服务记录作废"), {"status": ("void",)}),
    SentenceForm(N_("%(volunteer)s 以前的服务 %(minutes)s 从登记册导入"), {"provenance": ("imported",)}),
    SentenceForm(N_("%(volunteer)s 的服务记录更正为 %(minutes)s"), {"closed_by": ("correction",)}),
    SentenceForm(N_("%(volunteer)s 在%(site)s签到"), {"ended_at": ABSENT}),
    SentenceForm(
        N_("%(volunteer)s 在%(site)s自动签退，%(minutes)s，待确认"),
        {"closed_by": ("auto",), "status": ("provisional",)},
    ),
    SentenceForm(N_("%(volunteer)s 在%(site)s补录服务 %(minutes)s"), {"provenance": ("backfilled",)}),
    SentenceForm(N_("%(volunteer)s 在%(site)s签退，%(minutes)s，待确认"), {"status": ("provisional",)}),
    SentenceForm(N_("%(volunteer)s 在%(site)s签退，%(minutes)s")),
)
_ASSERTIONS = (
    SentenceForm(N_("%(recorder_site)s代记 %(volunteer)s 的服务，%(minutes)s"), {"act": ("recorded",)}),
    SentenceForm(N_("%(volunteer)s 的服务 %(minutes)s 已确认"), {"act": ("confirmed",)}),
    SentenceForm(N_("%(volunteer)s 的服务超出班次 %(overtime)s"), {"act": ("overtime",)}),
    SentenceForm(N_("%(volunteer)s 补记服务 %(minutes)s"), {"act": ("added",)}),
    SentenceForm(N_("%(volunteer)s 的服务更正为 %(minutes)s"), {"act": ("corrected",)}),
    SentenceForm(N_("%(volunteer)s 的服务作废"), {"act": ("voided",)}),
    SentenceForm(N_("%(volunteer)s 作废的服务恢复，%(minutes)s"), {"act": ("restored",)}),
    SentenceForm(N_("%(volunteer)s 对一条服务记录提出异议（%(minutes)s）"), {"act": ("denied",)}),
    SentenceForm(N_("%(volunteer)s 的服务 %(minutes)s 经核对计入"), {"act": ("approved",)}),
    SentenceForm(N_("%(volunteer)s 的服务经核对没有计入"), {"act": ("rejected",)}),
    SentenceForm(N_("%(volunteer)s 的服务等候核对超过期限"), {"act": ("lapsed",)}),
    SentenceForm(N_("%(volunteer)s 没有签退，系统记为 %(minutes)s，等候核对"), {"act": ("auto-closed",)}),
    SentenceForm(N_("%(volunteer)s 的服务记录有变动")),
)
_ORDERS = (
    SentenceForm(N_("%(site)s收到居民点单：%(need_name)s"), {"act": ("place",)}),
    SentenceForm(N_("%(site)s审核居民点单：%(need_name)s"), {"state": ("under_review",), "act": ("take", "answer")}),
    SentenceForm(N_("%(site)s请居民补充点单：%(need_name)s"), {"act": ("ask",)}),
    SentenceForm(N_("%(site)s的点单“%(need_name)s”超过期限，转上一级办理"), {"act": ("escalate",)}),
    SentenceForm(N_("团队“%(team)s”谢绝点单“%(need_name)s”，%(site)s"), {"act": ("decline",)}),
    SentenceForm(N_("%(site)s的点单“%(need_name)s”等待接单"), {"state": ("offered",)}),
    SentenceForm(N_("%(site)s把点单“%(need_name)s”派给团队“%(team)s”"), {"state": ("dispatched",)}),
    SentenceForm(N_("团队“%(team)s”接下点单“%(need_name)s”，%(site)s"), {"act": ("accept",)}),
    SentenceForm(N_("%(site)s的点单“%(need_name)s”需要重新安排"), {"state": ("accepted",)}),
    SentenceForm(N_("%(site)s的点单“%(need_name)s”服务结束多日，尚未办结"), {"act": ("remind",)}),
    SentenceForm(N_("%(site)s的点单“%(need_name)s”排定服务，%(starts_at)s"), {"state": ("scheduled",)}),
    SentenceForm(N_("%(site)s的点单“%(need_name)s”服务完成，等待评价"), {"state": ("served",)}),
    SentenceForm(N_("%(site)s的点单“%(need_name)s”评价 %(stars)s 星"), {"state": ("rated",), "stars": PRESENT}),
    SentenceForm(N_("%(site)s的点单“%(need_name)s”没有评价，按默认结束"), {"state": ("rated",)}),
    SentenceForm(N_("%(site)s的点单“%(need_name)s”没有通过审核"), {"state": ("refused",)}),
    SentenceForm(N_("%(site)s的点单“%(need_name)s”没有队伍能承接"), {"state": ("unfulfilled",)}),
    SentenceForm(N_("%(site)s的点单“%(need_name)s”取消"), {"state": ("cancelled",)}),
    SentenceForm(N_("%(site)s的点单“%(need_name)s”有变动")),
)
_POINTS = (
    SentenceForm(N_("%(volunteer)s 的积分 %(amount)s，服务发放，可用 %(available)s"), {"reason": ("award",)}),
    SentenceForm(N_("%(volunteer)s 的积分 %(amount)s，按更正扣回，可用 %(available)s"), {"reason": ("reversal",)}),
    SentenceForm(N_("%(volunteer)s 的积分 %(amount)s，到期，可用 %(available)s"), {"reason": ("expiry",)}),
    SentenceForm(N_("%(volunteer)s 兑换冻结积分，冻结 %(held)s，可用 %(available)s"), {"reason": ("hold",)}),
    SentenceForm(N_("%(volunteer)s 领取奖品，冻结的积分已用，可用 %(available)s"), {"reason": ("capture",)}),
    SentenceForm(N_("%(volunteer)s 兑换退回，积分解冻，可用 %(available)s"), {"reason": ("release",)}),
    SentenceForm(N_("%(volunteer)s 退款，积分 %(amount)s，可用 %(available)s"), {"reason": ("refund",)}),
    SentenceForm(N_("%(volunteer)s 的积分 %(amount)s，可用 %(available)s")),
)
_MESSAGES = (
    SentenceForm(
        N_("给 %(volunteer)s 的消息（%(template)s）已送达：%(channel)s"), {"status": ("sent",), "volunteer_id": PRESENT}
    ),
    SentenceForm(
        N_("给 %(volunteer)s 的消息（%(template)s）结果未知：%(channel)s"),
        {"status": ("unknown",), "volunteer_id": PRESENT},
    ),
    SentenceForm(N_("给 %(volunteer)s 的消息（%(template)s）没有送达：%(channel)s"), {"volunteer_id": PRESENT}),
    SentenceForm(N_("给工作人员的消息（%(template)s）已送达：%(channel)s"), {"status": ("sent",)}),
    SentenceForm(N_("给工作人员的消息（%(template)s）没有送达或结果未知：%(channel)s")),
)

FORMS: Mapping[str, tuple[SentenceForm, ...]] = {
    "volunteering.volunteer.registered.v1": (
        SentenceForm(N_("%(volunteer)s 从登记册导入"), {"source": ("import",)}),
        SentenceForm(
            N_("%(volunteer)s 在招募活动“%(drive)s”登记成为志愿者"), {"source": ("drive",), "drive_id": PRESENT}
        ),
        SentenceForm(N_("%(volunteer)s 响应倡议书登记成为志愿者"), {"source": ("appeal",)}),
        SentenceForm(N_("%(volunteer)s 在%(site)s登记成为志愿者")),
    ),
    "volunteering.site.changed.v1": (
        SentenceForm(N_("阵地“%(name)s”已关闭"), {"closed": ("true",)}),
        SentenceForm(N_("阵地“%(name)s”建立或有变更")),
    ),
    "volunteering.activity.changed.v1": (
        SentenceForm(N_("%(site)s的活动“%(title)s”已结束或取消"), {"state": ("closed",)}),
        SentenceForm(N_("%(site)s的活动“%(title)s”发布或有变更")),
    ),
    "volunteering.drive.opened.v1": (
        SentenceForm(N_("招募活动“%(name)s”在%(site)s举行，%(starts_at)s 开始"), {"name": PRESENT}),
        SentenceForm(N_("%(site)s举行招募活动，%(starts_at)s 开始")),
    ),
    "volunteering.signup.placed.v1": (SentenceForm(N_("%(volunteer)s 报名“%(activity)s”，%(site)s，%(starts_at)s")),),
    "volunteering.signup.cancelled.v1": (
        SentenceForm(N_("“%(activity)s”的班次取消，%(volunteer)s 的报名随之取消"), {"cause": ("called-off",)}),
        SentenceForm(N_("%(volunteer)s 把“%(activity)s”的名额换给别人"), {"cause": ("swap",)}),
        SentenceForm(N_("%(volunteer)s 取消报名“%(activity)s”")),
    ),
    "volunteering.signup.reminder.v1": (SentenceForm(N_("提醒 %(volunteer)s：“%(activity)s”%(starts_at)s 开始")),),
    "volunteering.shift.message-sent.v1": (SentenceForm(N_("“%(activity)s”的带队人给 %(volunteer)s 发了消息")),),
    "volunteering.rectification.answered.v1": (
        SentenceForm(N_("站点答复 %(volunteer)s：“%(activity)s”的记录已更正"), {"outcome": ("corrected",)}),
        SentenceForm(N_("站点答复 %(volunteer)s：“%(activity)s”的记录没有更改")),
    ),
    "volunteering.swap.proposed.v1": (
        SentenceForm(N_("有人想把“%(activity)s”（%(starts_at)s）的名额换给 %(volunteer)s")),
    ),
    "volunteering.swap.decided.v1": (
        SentenceForm(N_("%(volunteer)s 在“%(activity)s”的换班等队长同意"), {"outcome": ("agreed",)}),
        SentenceForm(N_("%(volunteer)s 在“%(activity)s”的换班没有换成")),
    ),
    "volunteering.waitlist.joined.v1": (
        SentenceForm(N_("%(volunteer)s 候补“%(activity)s”，排第 %(rank)s 位，%(starts_at)s")),
    ),
    "volunteering.waitlist.promoted.v1": (
        SentenceForm(N_("%(volunteer)s 从候补转为报名“%(activity)s”，%(starts_at)s")),
    ),
    "volunteering.waitlist.offered.v1": (
        SentenceForm(N_("“%(activity)s”有名额，留给候补的 %(volunteer)s，到 %(offer_until)s 为止")),
    ),
    "volunteering.waitlist.skipped.v1": (
        SentenceForm(N_("“%(activity)s”的名额跳过 %(volunteer)s：同一时间另有班次"), {"cause": ("overlap",)}),
        SentenceForm(N_("“%(activity)s”的名额跳过 %(volunteer)s：不符合报名条件")),
    ),
    "volunteering.waitlist.ended.v1": (
        SentenceForm(N_("%(volunteer)s 退出“%(activity)s”的候补"), {"cause": ("left", "declined")}),
        SentenceForm(N_("%(volunteer)s 没有及时接受“%(activity)s”的名额"), {"cause": ("lapsed",)}),
        SentenceForm(N_("“%(activity)s”的候补结束，%(volunteer)s 没有名额")),
    ),
    "volunteering.attendance.recorded.v1": _ATTENDANCE,
    "volunteering.assertions.noted.v1": _ASSERTIONS,
    "volunteering.order.changed.v1": _ORDERS,
    "volunteering.points.posted.v1": _POINTS,
    "volunteering.badge.awarded.v1": (SentenceForm(N_("%(volunteer)s 获得徽章“%(name)s”")),),
    "volunteering.badge.revoked.v1": (SentenceForm(N_("%(volunteer)s 的徽章“%(name)s”收回")),),
    "volunteering.team-badge.awarded.v1": (SentenceForm(N_("团队“%(team)s”获得徽章“%(name)s”，服务 %(services)s 次")),),
    "volunteering.team-badge.revoked.v1": (SentenceForm(N_("团队“%(team)s”的徽章“%(name)s”收回")),),
    "volunteering.redemption.held.v1": (
        SentenceForm(N_("%(volunteer)s 兑换“%(reward_name)s”，冻结 %(points)s 积分，%(expires_at)s 前到%(site)s领取")),
    ),
    "volunteering.redemption.reminder.v1": (
        SentenceForm(N_("提醒 %(volunteer)s：“%(reward_name)s”等候领取，到 %(expires_at)s 为止")),
    ),
    "volunteering.redemption.captured.v1": (
        SentenceForm(N_("%(volunteer)s 在%(site)s领取“%(reward_name)s”，用去 %(points)s 积分")),
    ),
    "volunteering.redemption.released.v1": (
        SentenceForm(N_("%(volunteer)s 的“%(reward_name)s”没有领取，%(points)s 积分解冻")),
    ),
    "volunteering.redemption.refunded.v1": (
        SentenceForm(N_("%(volunteer)s 的“%(reward_name)s”退款，退还 %(points)s 积分")),
    ),
    "volunteering.integrity.case-opened.v1": (
        SentenceForm(N_("%(subject_volunteer)s 需要核查：%(case_kind)s"), {"subject_kind": ("volunteer",)}),
        SentenceForm(N_("一台设备上的录入需要核查：%(case_kind)s"), {"subject_kind": ("device",)}),
        SentenceForm(N_("两名记录人互相核定的时长需要核查：%(case_kind)s"), {"subject_kind": ("pair",)}),
        SentenceForm(N_("一个班次的报名需要核查：%(case_kind)s"), {"subject_kind": ("shift",)}),
        SentenceForm(N_("一次招募需要核查：%(case_kind)s"), {"subject_kind": ("drive",)}),
        SentenceForm(N_("一名记录人的录入需要核查：%(case_kind)s")),
    ),
    "volunteering.integrity.case-settled.v1": (
        SentenceForm(N_("核查结束，无误：%(case_kind)s"), {"outcome": ("cleared",)}),
        SentenceForm(N_("核查结束，确认属实：%(case_kind)s")),
    ),
    "volunteering.integrity.flags-decided.v1": (
        SentenceForm(N_("核查的标记解除：%(case_kind)s"), {"outcome": ("cleared",)}),
        SentenceForm(N_("核查的标记保留：%(case_kind)s")),
    ),
    "volunteering.proposals.voids-proposed.v1": (SentenceForm(N_("核查提出的作废等另一个站点决定")),),
    "volunteering.proposals.voids-decided.v1": (
        SentenceForm(N_("核查提出的作废已由另一个站点通过"), {"outcome": ("voided",)}),
        SentenceForm(N_("核查提出的作废没有通过，记录仍有效"), {"outcome": ("kept",)}),
        SentenceForm(N_("核查提出的作废 30 天内无人决定")),
    ),
    "volunteering.pulse.ticked.v1": (
        SentenceForm(N_("脉搏：每分钟 %(records_per_minute)s 条记录，%(points_per_minute)s 积分")),
    ),
    "volunteering.message.delivered.v1": _MESSAGES,
    "volunteering.alert.raised.v1": (
        SentenceForm(
            N_("告警：%(site)s，%(monitor)s，读数 %(reading)s，阈值 %(threshold)s"),
            {"monitor": ("silence", "device-silence", "corrections")},
        ),
        SentenceForm(N_("告警：%(subject)s，%(monitor)s，读数 %(reading)s，阈值 %(threshold)s")),
    ),
    "volunteering.alert.cleared.v1": (
        SentenceForm(N_("告警解除：%(site)s，%(monitor)s"), {"monitor": ("silence", "device-silence", "corrections")}),
        SentenceForm(N_("告警解除：%(subject)s，%(monitor)s")),
    ),
    "volunteering.service.beat.v1": (SentenceForm(N_("服务 %(service)s 的心跳，待发 %(outbox_depth)s 条")),),
    "volunteering.audit.operator-acted.v1": (
        SentenceForm(
            N_("%(role)s试算：%(act)s（%(service)s，%(records)s 条）"), {"dry_run": ("true",), "records": PRESENT}
        ),
        SentenceForm(N_("%(role)s%(act)s（%(subject)s）"), {"act": ("threshold", "audit")}),
        SentenceForm(N_("%(role)s%(act)s（%(service)s，%(consumer_group)s）"), {"act": ("pause", "resume", "reset")}),
        SentenceForm(N_("%(role)s%(act)s（%(service)s，%(records)s 条）")),
    ),
}
"""CloudEvents type → its forms."""
