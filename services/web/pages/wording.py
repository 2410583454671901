"""How times, durations and the services' stable words are said on the pages, in the district's zone."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from shared.clock import DISTRICT_ZONE

__all__ = [
    "FILTERS",
    "day",
    "device",
    "figure",
    "final_day",
    "first_day",
    "last_day_before",
    "measured",
    "moment",
    "parse",
    "percent",
    "signed",
    "span",
    "spell_minutes",
    "word",
]

_WEEKDAYS = "一二三四五六日"

_WORDS: Mapping[str, Mapping[str, str]] = {
    "place_kind": {"square": "进广场", "enterprise": "进企业", "compound": "进小区"},
    "provenance": {
        "scanned": "扫码签到",
        "kiosk": "现场终端签到",
        "leader": "队长点名",
        "backfilled": "事后补录",
        "imported": "历史导入",
    },
    "status": {
        "provisional": "待确认",
        "confirmed": "已确认",
        "void": "已作废",
        "held": "待领取",
        "captured": "已领取",
        "released": "已退回",
        "refunded": "已退款",
        "active": "已报名",
        "cancelled": "已取消",
        "planned": "筹备中",
        "open": "进行中",
        "closed": "已结束",
    },
    "waits_for": {
        "device-new": "签到设备登记不满一天",
        "shift-late": "班次发布不满一天",
        "volunteer-new": "志愿者登记不满一天",
        "drive": "招募现场登记并签到",
        "cap": "超出一个账户一天能记的时长",
        "late-upload": "上传晚于三天",
        "backfilled": "事后补录",
        "restored": "作废后恢复",
        "denied": "志愿者提出异议",
    },
    "approval_state": {
        "open": "等待核对",
        "approved": "已通过",
        "rejected": "未通过",
        "lapsed": "无人核对",
        "withdrawn": "已撤回",
    },
    "closed_by": {"self": "本人签退", "staff": "工作人员签退", "auto": "系统自动签退，待确认", "correction": "更正"},
    "code": {
        "award": "服务获得积分",
        "reversal": "服务记录有变，积分相应调整",
        "repayment": "补还之前多得的积分",
        "hold": "兑换，先冻结积分",
        "capture": "领取奖品，积分已用",
        "release": "兑换退回，积分解冻",
        "refund": "退款，积分退还",
        "expiry": "积分到期",
        "donation": "超出上限的积分捐出",
        "return": "更正后未超上限，捐出的积分退回",
    },
    "kind": {
        "points-earned": "积分",
        "badge": "徽章",
    },
    "role": {"leader": "队长", "station": "站点工作人员", "operator": "中心工作人员", "volunteer": "志愿者"},
    "staff_role": {"station": "站点工作人员", "operator": "操作员", "engineer": "工程师", "auditor": "审计员"},
    "security_kind": {
        "sign-in": "登录",
        "code-asked": "获取验证码",
        "limit-reached": "次数超限",
        "alert": "告警",
        "refresh-reused": "登录凭证被重复使用",
        "session-ended": "退出登录",
        "invitation-made": "邀请同事",
        "invitation-accepted": "接受邀请",
        "invitation-withdrawn": "收回邀请",
        "account-created": "建账号",
        "account-activated": "启用账号",
        "account-deactivated": "停用账号",
        "role-changed": "改角色或站点",
        "password-changed": "修改密码",
        "password-reset-asked": "申请重设密码",
        "password-reset": "重设密码",
        "second-factor-set": "开启第二步验证",
        "second-factor-removed": "关闭第二步验证",
        "unmasked": "查看个人信息",
        "quota-reached": "查看个人信息超限",
        "keys-rotated": "更换密钥",
        "import-proposed": "提出导入名册",
        "import-approved": "批准导入名册",
        "import-rejected": "退回导入名册",
    },
    "security_result": {"ok": "成功", "refused": "被拒"},
    "security_detail": {
        "code": "原因",
        "limit": "限制",
        "purpose": "用途",
        "phone": "手机（加密）",
        "account": "账号（加密）",
        "session": "会话",
        "role": "角色",
        "invitation": "邀请",
        "state": "状态",
        "origin": "来源",
        "why": "原因",
        "verdict": "原因",
        "ended": "退出设备数",
        "fields": "字段",
    },
    "security_code": {
        "password-wrong": "账号或密码不对",
        "second-factor-wrong": "第二步验证码不对",
        "account-pending": "账号等候启用",
        "code-wrong": "验证码不对",
        "codes-address": "同一网络地址的验证码",
        "codes-phone": "一部手机的验证码（一刻钟）",
        "codes-phone-day": "一部手机的验证码（一天）",
        "codes-all": "全区的验证码",
        "tries-address": "同一网络地址试验证码",
        "passwords-address": "同一网络地址试密码",
        "passwords-account": "同一账号试密码",
        "passwords-all": "全区试密码",
        "login": "登录",
        "reset": "重设密码",
        "logout": "本人退出",
        "holder": "本人操作",
        "reused": "过期后再用",
        "stolen": "来自别的浏览器",
        "station": "站点工作人员",
        "operator": "操作员",
        "engineer": "工程师",
        "auditor": "审计员",
        "pending": "等候启用",
        "active": "可用",
        "bootstrap": "安装时",
    },
    "account_state": {"pending": "等候启用", "active": "可用", "deactivated": "已停用"},
    "rule_status": {"active": "生效", "draft": "草案", "reversed": "已撤销"},
    "rehearsal_status": {
        "queued": "排队中",
        "running": "试算中",
        "done": "已完成",
        "failed": "未成功",
        "cancelled": "已取消",
    },
    "activation_status": {
        "proposed": "等候批准",
        "rejected": "未批准",
        "withdrawn": "已收回",
        "applying": "正在启用",
        "applied": "已启用",
        "reversing": "正在撤销",
        "reversed": "已撤销",
    },
    "activation_step": {
        "proposed": "提议启用",
        "approved": "批准启用",
        "rejected": "不批准启用",
        "withdrawn": "收回提议",
        "stopped": "换用停了下来",
        "resumed": "让换用继续",
        "applied": "全部志愿者已换到新规则",
        "reversal-proposed": "提议撤销",
        "reversal-approved": "批准撤销",
        "reversal-rejected": "不批准撤销",
        "reversal-withdrawn": "收回撤销的提议",
        "reversed": "全部志愿者已换回原来的规则",
    },
    "adjustment_status": {
        "proposed": "等候批准",
        "approved": "已批准",
        "rejected": "未批准",
        "withdrawn": "已收回",
        "all": "全部",
    },
    "case_kind": {
        "two-sites": "同时在两处",
        "burst": "短时间大量录入",
        "no-check-in": "没有签到的时长",
        "many-accounts": "一部手机多个账户",
        "long-day": "一天超过 16 小时",
    },
    "case_status": {"open": "待核查", "cleared": "核查无误", "confirmed": "确认属实", "all": "全部"},
    "case_subject": {"volunteer": "志愿者", "recorder": "记录人", "device": "设备"},
    "device_class": {"kiosk": "现场终端", "leader": "队长点名", "others": "其他录入", "phone": "志愿者的手机"},
    "window": {"soon": "还没开始", "open": "可兑换", "over": "已下架"},
    # what the services write into a redemption without a typed reason
    "settled": {
        "not picked up in time": "到期没有领取，自动退回",
        "given back by the volunteer": "志愿者自己退回",
        "given back by staff": "工作人员退回",
        "refunded by the centre": "中心退款",
    },
    "period": {"week": "本周", "month": "本月", "year": "今年"},
    "stock_entry": {"receipt": "入库", "count": "盘点"},
    "level": {"district": "区", "township": "乡镇、街道", "community": "村、社区"},
}


def word(value: object, group: str) -> str:
    """The Chinese for one of the services' stable words; an unknown one is shown as it is."""
    return _WORDS[group].get(str(value), str(value))


def device(ref: str | None, *, short: bool = False) -> str:
    """Name the recorder: a registered device by its id, a volunteer's phone by the end of the one it made up."""
    if not ref:
        return ""
    tail = ref[-8:].upper()
    if ref.startswith("phone:"):
        return f"手机尾号 {tail}"
    return f"设备尾号 {tail}" if short else ref


def parse(value: str | datetime) -> datetime:
    """A moment in the district's zone."""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return at.astimezone(DISTRICT_ZONE)


def day(value: str | datetime | None, *, year: bool = False) -> str:
    """3月4日（周三）, with the year where it could be doubted."""
    if value is None:
        return ""
    at = parse(value)
    said = f"{at.month}月{at.day}日（周{_WEEKDAYS[at.weekday()]}）"
    return f"{at.year}年{said}" if year else said


def last_day_before(end: str | datetime) -> str:
    """The last day on which something is good that ends at a moment: midnight ends the day before."""
    return day(parse(end) - timedelta(microseconds=1))


def first_day(value: str | datetime | None) -> str:
    """The day of a moment as a date field wants it."""
    return "" if value is None else parse(value).date().isoformat()


def final_day(end: str | datetime | None) -> str:
    """The last whole day before an end, as a date field wants it."""
    return "" if end is None else (parse(end) - timedelta(microseconds=1)).date().isoformat()


def moment(value: str | datetime | None) -> str:
    """3月4日 14:05."""
    if value is None:
        return ""
    at = parse(value)
    return f"{at.month}月{at.day}日 {at:%H:%M}"


def span(start: str | datetime, end: str | datetime | None, *, year: bool = False) -> str:
    """From when to when; the second day is named only if it is another one, the year where it could be doubted."""
    first = parse(start)
    if end is None:
        return f"{day(first, year=year)} {first:%H:%M} 起"
    last = parse(end)
    if last.date() == first.date():
        return f"{day(first, year=year)} {first:%H:%M}—{last:%H:%M}"
    return f"{day(first, year=year)} {first:%H:%M}—{day(last, year=year and last.year != first.year)} {last:%H:%M}"


def spell_minutes(minutes: float | None) -> str:
    """1 小时 5 分."""
    whole = int(minutes or 0)
    hours, rest = divmod(whole, 60)
    if not hours:
        return f"{rest} 分钟"
    return f"{hours:,} 小时 {rest} 分" if rest else f"{hours:,} 小时"


def measured(value: int, unit: str) -> str:
    """A number in the unit of a case's evidence: minutes, records or people."""
    return spell_minutes(value) if unit == "minutes" else f"{value:,} {'条记录' if unit == 'records' else '个账户'}"


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
