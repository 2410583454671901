"""How the points of a record were worked out, as a sum that is true."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from services.web.pages.wording import figure, spell_minutes

__all__ = ["sum_of"]

_CUT: Mapping[str, str] = {
    "record": "单次时长上限",
    "activity": "这个活动的时长上限",
    "approval": "现有审批能计的时长",
    "day": "当天时长上限",
    "month": "当月时长上限",
    "year": "当年时长上限",
    "record-points": "单次积分上限",
    "activity-points": "这个活动的积分上限",
    "day-points": "当天积分上限",
    "month-points": "当月积分上限",
    "year-points": "当年积分上限",
}


def sum_of(minutes: int, per_hour: int, points: int, notes: Mapping[str, Any]) -> str:
    """How the points of a record were worked out: every factor, every rounding and everything that was cut off."""
    if not minutes:
        return "计 0 积分"
    factors = [_minutes(minutes), f"{per_hour} 积分/小时{_named(notes.get('rate'))}"]
    worth = Fraction(minutes * per_hour, 60)
    if (percent := notes.get("percent")) is not None:
        factors.append(f"{percent}%{_named(notes.get('multiplier'))}")
        worth *= Fraction(int(percent), 100)
    said = [f"{' × '.join(factors)}{_rounded(worth)}"]
    left = int(worth)
    if (complaint := notes.get("complaint_percent")) is not None:
        worth = Fraction(left * int(complaint), 100)
        said.append(f"有投诉，只计 {complaint}%{_rounded(worth)}")
        left = int(worth)
    for of, much in notes.get("cuts") or ():
        what = _CUT.get(of, of)
        if of.endswith("-points"):
            left -= int(much)
            said.append(f"超出{what}的 {figure(much)} 积分没有计，得 {figure(left)} 积分")
        else:
            said.append(f"超出{what}的 {_minutes(int(much))}没有计")
    if left != points:
        said.append(f"计 {figure(points)} 积分")  # the service knows better than this page
    return "；".join(said)


def _rounded(worth: Fraction) -> str:
    """`` = 10 积分``, or what is left without the fraction; a long one shows two digits and is never rounded up."""
    whole = int(worth)
    if worth == whole:
        return f" = {figure(whole)} 积分"
    hundredths = worth * 100
    sign = "=" if hundredths == int(hundredths) else "≈"
    shown = f"{figure(whole)}.{int(hundredths) % 100:02}".rstrip("0")
    return f" {sign} {shown}，舍去小数，得 {figure(whole)} 积分"


def _minutes(minutes: int) -> str:
    """A duration in which no unit can be read as points: 1 小时 5 分钟."""
    said = spell_minutes(minutes)
    return f"{said}钟" if said.endswith("分") else said


def _named(name: object) -> str:
    return f"（{name}）" if name else ""
