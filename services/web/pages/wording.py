"""How times, durations and the services' stable words are said on the pages, in the district's zone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.clock import DISTRICT_ZONE

__all__ = [
    "FILTERS",
    "day",
    "figure",
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
    "case": {
        "two-sites": "同时在两个站点",
        "burst": "短时间大量记录",
        "no-check-in": "没有签到的时长",
        "many-accounts": "一台设备多个账户",
        "long-day": "一天超过 16 小时",
        "open": "待判断",
        "cleared": "已排除",
        "confirmed": "已确认",
    },
    "level": {"district": "区", "township": "乡镇、街道", "community": "村、社区"},
}


def word(value: object, group: str) -> str:
    """The Chinese for one of the services' stable words; an unknown one is shown as it is."""
    return _WORDS[group].get(str(value), str(value))


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


def moment(value: str | datetime | None) -> str:
    """3月4日 14:05."""
    if value is None:
        return ""
    at = parse(value)
    return f"{at.month}月{at.day}日 {at:%H:%M}"


def span(start: str | datetime, end: str | datetime | None) -> str:
    """From when to when; the second day is named only if it is another one."""
    first = parse(start)
    if end is None:
        return f"{day(first)} {first:%H:%M} 起"
    last = parse(end)
    if last.date() == first.date():
        return f"{day(first)} {first:%H:%M}—{last:%H:%M}"
    return f"{day(first)} {first:%H:%M}—{day(last)} {last:%H:%M}"


def spell_minutes(minutes: float | None) -> str:
    """1 小时 5 分."""
    whole = int(minutes or 0)
    hours, rest = divmod(whole, 60)
    if not hours:
        return f"{rest} 分钟"
    return f"{hours:,} 小时 {rest} 分" if rest else f"{hours:,} 小时"


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
    "moment": moment,
    "minutes": spell_minutes,
    "figure": figure,
    "signed": signed,
    "percent": percent,
    "word": word,
}
