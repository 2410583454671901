"""How the points of a record were worked out, as a sum that is true."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from services.web.pages.language import N_, N_n, _, _n
from services.web.pages.wording import figure, spell_minutes

__all__ = ["sum_of"]

_CUT: Mapping[str, str] = {
    "record": N_("单次时长上限"),
    "activity": N_("这个活动的时长上限"),
    "approval": N_("现有审批能计的时长"),
    "day": N_("当天时长上限"),
    "month": N_("当月时长上限"),
    "year": N_("当年时长上限"),
    "record-points": N_("单次积分上限"),
    "activity-points": N_("这个活动的积分上限"),
    "day-points": N_("当天积分上限"),
    "month-points": N_("当月积分上限"),
    "year-points": N_("当年积分上限"),
}


def sum_of(minutes: int, per_hour: int, points: int, notes: Mapping[str, Any]) -> str:
    """How the points of a record were worked out: every factor, every rounding and everything that was cut off."""
    if not minutes:
        return _("计 0 积分")
    factors = [_minutes(minutes), _named(_n("%(n)s 积分/小时", per_hour), notes.get("rate"))]
    worth = Fraction(minutes * per_hour, 60)
    if (percent := notes.get("percent")) is not None:
        factors.append(_named(f"{percent}%", notes.get("multiplier")))
        worth *= Fraction(int(percent), 100)
    said = [f"{' × '.join(factors)}{_rounded(worth)}"]
    left = int(worth)
    if (complaint := notes.get("complaint_percent")) is not None:
        worth = Fraction(left * int(complaint), 100)
        said.append(_("有投诉，只计 %(percent)s%%", percent=complaint) + _rounded(worth))
        left = int(worth)
    for of, much in notes.get("cuts") or ():
        what = _(_CUT[of]) if of in _CUT else str(of)
        if of.endswith("-points"):
            left -= int(much)
            cut = N_n("超出%(cap)s的 %(much)s 积分没有计，得 %(n)s 积分")
            said.append(_n(cut, left, cap=what, much=figure(int(much))))
        else:
            said.append(_("超出%(cap)s的 %(minutes)s没有计", cap=what, minutes=_minutes(int(much))))
    if left != points:
        said.append(_n("计 %(n)s 积分", points))  # the service knows better than this page
    return _("；").join(said)


def _rounded(worth: Fraction) -> str:
    """`` = 10 积分``, or what is left without the fraction; a long one shows two digits and is never rounded up."""
    whole = int(worth)
    if worth == whole:
        return _n(" = %(n)s 积分", whole)
    hundredths = worth * 100
    sign = "=" if hundredths == int(hundredths) else "≈"
    shown = f"{figure(whole)}.{int(hundredths) % 100:02}".rstrip("0")
    return _n(" %(sign)s %(shown)s，舍去小数，得 %(n)s 积分", whole, sign=sign, shown=shown)


def _minutes(minutes: int) -> str:
    """A duration in which no unit can be read as points: 1 小时 5 分钟."""
    hours, rest = divmod(minutes, 60)
    if not hours or not rest:
        return spell_minutes(minutes)
    return _("%(hours)s 小时 %(minutes)s 分钟", hours=figure(hours), minutes=rest)


def _named(text: str, name: object) -> str:
    return _("%(text)s（%(name)s）", text=text, name=name) if name else text
