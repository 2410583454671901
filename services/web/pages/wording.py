"""Times, durations and stable words as the pages say them: in the district's zone, in the language of the page."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from services.web.pages.case_words import CASE_KINDS, CASE_SUBJECTS
from services.web.pages.language import N_, _, _n
from services.web.pages.order_words import ORDER_WORDS
from services.web.pages.structure_words import STRUCTURE_WORDS
from shared.clock import DISTRICT_ZONE

__all__ = [
    "FILTERS",
    "choices_of",
    "clock",
    "date_of",
    "day",
    "device",
    "figure",
    "final_day",
    "first_day",
    "last_day_before",
    "measured",
    "moment",
    "month",
    "parse",
    "percent",
    "signed",
    "span",
    "spell_minutes",
    "word",
]

_WEEKDAYS = N_("一 二 三 四 五 六 日")
_MONTHS = N_("1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月")

_WORDS: Mapping[str, Mapping[str, str]] = {
    "place_kind": {"square": N_("进广场"), "enterprise": N_("进企业"), "compound": N_("进小区")},
    "provenance": {
        "scanned": N_("扫码签到"),
        "kiosk": N_("现场终端签到"),
        "leader": N_("队长点名"),
        "backfilled": N_("事后补录"),
        "imported": N_("历史导入"),
    },
    "status": {
        "provisional": N_("待确认"),
        "confirmed": N_("已确认"),
        "void": N_("已作废"),
        "held": N_("待领取"),
        "captured": N_("已领取"),
        "released": N_("已退回"),
        "refunded": N_("已退款"),
        "active": N_("已报名"),
        "cancelled": N_("已取消"),
        "planned": N_("筹备中"),
        "open": N_("进行中"),
        "closed": N_("已结束"),
    },
    "waits_for": {
        "device-new": N_("签到设备登记不满一天"),
        "shift-late": N_("班次发布不满一天"),
        "volunteer-new": N_("志愿者登记不满一天"),
        "drive": N_("招募现场登记并签到"),
        "cap": N_("超出一个账户一天能记的时长"),
        "late-upload": N_("上传晚于三天"),
        "backfilled": N_("事后补录"),
        "restored": N_("作废后恢复"),
        "denied": N_("志愿者提出异议"),
        "suspected": N_("核查确认有疑问"),
    },
    "approval_state": {
        "open": N_("等待核对"),
        "approved": N_("已通过"),
        "rejected": N_("未通过"),
        "lapsed": N_("无人核对"),
        "withdrawn": N_("已撤回"),
    },
    "closed_by": {
        "self": N_("本人签退"),
        "staff": N_("工作人员签退"),
        "auto": N_("系统自动签退，待确认"),
        "correction": N_("更正"),
    },
    "code": {
        "award": N_("服务获得积分"),
        "reversal": N_("服务记录有变，积分相应调整"),
        "repayment": N_("补还之前多得的积分"),
        "hold": N_("兑换，先冻结积分"),
        "capture": N_("领取奖品，积分已用"),
        "release": N_("兑换退回，积分解冻"),
        "refund": N_("退款，积分退还"),
        "expiry": N_("积分到期"),
        "donation": N_("超出上限的积分捐出"),
        "return": N_("更正后未超上限，捐出的积分退回"),
    },
    "kind": {
        "points-earned": N_("积分"),
        "badge": N_("徽章"),
    },
    "role": {
        "leader": N_("队长"),
        "station": N_("站点工作人员"),
        "operator": N_("中心工作人员"),
        "volunteer": N_("志愿者"),
    },
    "staff_role": {
        "station": N_("站点工作人员"),
        "operator": N_("操作员"),
        "engineer": N_("工程师"),
        "auditor": N_("审计员"),
    },
    "security_kind": {
        "sign-in": N_("登录"),
        "code-asked": N_("获取验证码"),
        "limit-reached": N_("次数超限"),
        "alert": N_("告警"),
        "refresh-reused": N_("登录凭证被重复使用"),
        "session-ended": N_("退出登录"),
        "invitation-made": N_("邀请同事"),
        "invitation-accepted": N_("接受邀请"),
        "invitation-withdrawn": N_("收回邀请"),
        "account-created": N_("建账号"),
        "account-activated": N_("启用账号"),
        "account-deactivated": N_("停用账号"),
        "role-changed": N_("改角色或站点"),
        "password-changed": N_("修改密码"),
        "password-reset-asked": N_("申请重设密码"),
        "password-reset": N_("重设密码"),
        "second-factor-set": N_("开启第二步验证"),
        "second-factor-removed": N_("关闭第二步验证"),
        "unmasked": N_("查看个人信息"),
        "quota-reached": N_("查看个人信息超限"),
        "keys-rotated": N_("更换密钥"),
        "import-proposed": N_("提出导入名册"),
        "import-approved": N_("批准导入名册"),
        "import-rejected": N_("退回导入名册"),
        "data-exported": N_("下载自己的资料"),
    },
    "security_result": {"ok": N_("成功"), "refused": N_("被拒")},
    "security_detail": {
        "code": N_("原因"),
        "limit": N_("限制"),
        "purpose": N_("用途"),
        "phone": N_("手机（加密）"),
        "account": N_("账号（加密）"),
        "session": N_("会话"),
        "role": N_("角色"),
        "invitation": N_("邀请"),
        "state": N_("状态"),
        "origin": N_("来源"),
        "why": N_("原因"),
        "verdict": N_("原因"),
        "ended": N_("退出设备数"),
        "fields": N_("字段"),
    },
    "security_code": {
        "password-wrong": N_("账号或密码不对"),
        "second-factor-wrong": N_("第二步验证码不对"),
        "account-pending": N_("账号等候启用"),
        "code-wrong": N_("验证码不对"),
        "codes-address": N_("同一网络地址的验证码"),
        "codes-phone": N_("一部手机的验证码（一刻钟）"),
        "codes-phone-day": N_("一部手机的验证码（一天）"),
        "codes-all": N_("全区的验证码"),
        "tries-address": N_("同一网络地址试验证码"),
        "passwords-address": N_("同一网络地址试密码"),
        "passwords-account": N_("同一账号试密码"),
        "passwords-all": N_("全区试密码"),
        "login": N_("登录"),
        "reset": N_("重设密码"),
        "logout": N_("本人退出"),
        "holder": N_("本人操作"),
        "reused": N_("过期后再用"),
        "stolen": N_("来自别的浏览器"),
        "station": N_("站点工作人员"),
        "operator": N_("操作员"),
        "engineer": N_("工程师"),
        "auditor": N_("审计员"),
        "pending": N_("等候启用"),
        "active": N_("可用"),
        "bootstrap": N_("安装时"),
    },
    "account_state": {"pending": N_("等候启用"), "active": N_("可用"), "deactivated": N_("已停用")},
    "rule_status": {"active": N_("生效"), "draft": N_("草案"), "reversed": N_("已撤销")},
    "rehearsal_status": {
        "queued": N_("排队中"),
        "running": N_("试算中"),
        "done": N_("已完成"),
        "failed": N_("未成功"),
        "cancelled": N_("已取消"),
    },
    "activation_status": {
        "proposed": N_("等候批准"),
        "rejected": N_("未批准"),
        "withdrawn": N_("已收回"),
        "applying": N_("正在启用"),
        "applied": N_("已启用"),
        "reversing": N_("正在撤销"),
        "reversed": N_("已撤销"),
    },
    "activation_step": {
        "proposed": N_("提议启用"),
        "approved": N_("批准启用"),
        "rejected": N_("不批准启用"),
        "withdrawn": N_("收回提议"),
        "stopped": N_("换用停了下来"),
        "resumed": N_("让换用继续"),
        "applied": N_("全部志愿者已换到新规则"),
        "reversal-proposed": N_("提议撤销"),
        "reversal-approved": N_("批准撤销"),
        "reversal-rejected": N_("不批准撤销"),
        "reversal-withdrawn": N_("收回撤销的提议"),
        "reversed": N_("全部志愿者已换回原来的规则"),
    },
    "adjustment_status": {
        "proposed": N_("等候批准"),
        "approved": N_("已批准"),
        "rejected": N_("未批准"),
        "withdrawn": N_("已收回"),
        "all": N_("全部"),
    },
    "case_kind": CASE_KINDS,
    "case_status": {
        "open": N_("待核查"),
        "undecided": N_("标记待定"),
        "cleared": N_("核查无误"),
        "confirmed": N_("确认属实"),
        "all": N_("全部"),
    },
    "case_subject": CASE_SUBJECTS,
    "device_class": {
        "kiosk": N_("现场终端"),
        "leader": N_("队长点名"),
        "others": N_("其他录入"),
        "phone": N_("志愿者的手机"),
    },
    "window": {"soon": N_("还没开始"), "open": N_("可兑换"), "over": N_("已下架")},
    # what the services write into a redemption without a typed reason
    "settled": {
        "not picked up in time": N_("到期没有领取，自动退回"),
        "given back by the volunteer": N_("志愿者自己退回"),
        "given back by staff": N_("工作人员退回"),
        "refunded by the centre": N_("中心退款"),
    },
    "period": {"week": N_("本周"), "month": N_("本月"), "year": N_("今年")},
    "stock_entry": {"receipt": N_("入库"), "count": N_("盘点")},
    "level": {"district": N_("区"), "township": N_("乡镇、街道"), "community": N_("村、社区")},
    **STRUCTURE_WORDS,
    **ORDER_WORDS,
}


def choices_of(group: str) -> list[tuple[str, str]]:
    """The words of a group with their values, for a choice."""
    return [(value, _(said)) for value, said in _WORDS[group].items()]


def word(value: object, group: str) -> str:
    """One of the services' stable words in the current language; an unknown one is shown as it is."""
    known = _WORDS[group].get(str(value))
    return _(known) if known else str(value)


def device(ref: str | None, *, short: bool = False) -> str:
    """Name the recorder: a registered device by its id, a volunteer's phone by the end of the one it made up."""
    if not ref:
        return ""
    tail = ref[-8:].upper()
    if ref.startswith("phone:"):
        return _("手机浏览器 %(tail)s", tail=tail)
    return _("设备尾号 %(tail)s", tail=tail) if short else ref


def parse(value: str | datetime) -> datetime:
    """A moment in the district's zone."""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return at.astimezone(DISTRICT_ZONE)


def day(value: str | datetime | None, *, year: bool = False) -> str:
    """3月4日（周三） or Wed 4 Mar, with the year where it could be doubted."""
    if value is None:
        return ""
    at = parse(value)
    weekday = _(_WEEKDAYS).split()[at.weekday()]
    if year:
        said = N_("%(year)s年%(month)s%(day)s日（周%(weekday)s）")
        return _(said, year=at.year, month=month(at.month), day=at.day, weekday=weekday)
    return _("%(month)s%(day)s日（周%(weekday)s）", month=month(at.month), day=at.day, weekday=weekday)


def date_of(value: str | date) -> str:
    """2026年3月4日 or 4 Mar 2026."""
    at = value if isinstance(value, date) else date.fromisoformat(value)
    return _("%(year)s年%(month)s%(day)s日", year=at.year, month=month(at.month), day=at.day)


def month(number: int) -> str:
    """3月 or Mar, for a month from 1 to 12."""
    return _(_MONTHS).split()[number - 1]


def last_day_before(end: str | datetime) -> str:
    """The last day on which something is good that ends at a moment: midnight ends the day before."""
    return day(parse(end) - timedelta(microseconds=1))


def first_day(value: str | datetime | None) -> str:
    """The day of a moment as a date field wants it."""
    return "" if value is None else parse(value).date().isoformat()


def final_day(end: str | datetime | None) -> str:
    """The last whole day before an end, as a date field wants it."""
    return "" if end is None else (parse(end) - timedelta(microseconds=1)).date().isoformat()


def clock(at: datetime) -> str:
    """14:05."""
    return f"{at:%H:%M}"


def moment(value: str | datetime | None) -> str:
    """3月4日 14:05 or 4 Mar 14:05."""
    if value is None:
        return ""
    at = parse(value)
    return _("%(month)s%(day)s日 %(time)s", month=month(at.month), day=at.day, time=clock(at))


def span(start: str | datetime, end: str | datetime | None, *, year: bool = False) -> str:
    """From when to when; the second day is named only if it is another one, the year where it could be doubted."""
    first = parse(start)
    begins = f"{day(first, year=year)} {clock(first)}"
    if end is None:
        return _("%(moment)s 起", moment=begins)
    last = parse(end)
    if last.date() == first.date():
        return f"{begins}—{clock(last)}"
    return f"{begins}—{day(last, year=year and last.year != first.year)} {clock(last)}"


def spell_minutes(minutes: float | None) -> str:
    """1 小时 5 分钟 or 1 h 5 min."""
    whole = int(minutes or 0)
    hours, rest = divmod(whole, 60)
    if not hours:
        return _("%(minutes)s 分钟", minutes=rest)
    if not rest:
        return _("%(hours)s 小时", hours=figure(hours))
    return _("%(hours)s 小时 %(minutes)s 分钟", hours=figure(hours), minutes=rest)


def measured(value: int, unit: str) -> str:
    """A number in the unit of a case's evidence: minutes, records or people."""
    if unit == "minutes":
        return spell_minutes(value)
    return _n("%(n)s 条记录", value) if unit == "records" else _n("%(n)s 个账户", value)


def figure(value: Any) -> str:
    """A number with thousands, or a dash where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "—"
    return f"{value:,.0f}"


def signed(value: int) -> str:
    """A change of points: +12 or −12, with a true minus."""
    return f"+{value:,}" if value > 0 else f"−{-value:,}" if value < 0 else "0"


def percent(value: Any) -> str:
    """A share between 0 and 1 as a whole percentage, rounded down: 100 % means all."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "—"
    return f"{int(value * 100 + 1e-9)}%"


FILTERS = {
    "date": date_of,
    "day": day,
    "device": device,
    "first_day": first_day,
    "final_day": final_day,
    "moment": moment,
    "minutes": spell_minutes,
    "measured": measured,
    "figure": figure,
    "signed": signed,
    "percent": percent,
    "word": word,
}
