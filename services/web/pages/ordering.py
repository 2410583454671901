"""Orders as all pages show them: the way they have gone, what comes next and by when, and why a team matches."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.language import N_, _, _n, current
from services.web.pages.refusals import say
from services.web.pages.visit import Visit
from services.web.pages.wording import moment, parse, spell_minutes, word
from shared.clock import DISTRICT_ZONE

__all__ = ["PARTS", "matched", "need_name", "read_details", "shown", "time_left", "window_of"]

_TONES = {
    "placed": "wait",
    "under_review": "wait",
    "needs_information": "bad",
    "offered": "wait",
    "dispatched": "wait",
    "accepted": "good",
    "scheduled": "good",
    "served": "good",
    "refused": "bad",
    "unfulfilled": "bad",
}
_STAGES = (N_("点单"), N_("审单"), N_("接单"), N_("服务"), N_("评单"))
_STAGE_OF = {
    "placed": 1,
    "under_review": 1,
    "needs_information": 1,
    "offered": 2,
    "dispatched": 2,
    "accepted": 3,
    "scheduled": 3,
    "served": 4,
    "rated": 5,
}
"""Stages that lie behind an order in a state; one that ended otherwise has none to show."""
_NEXT: Mapping[str, str] = {
    "placed": N_("工作人员会在%(when)s前开始审核。"),
    "under_review": N_("工作人员正在审核，%(when)s前有结果。"),
    "needs_information": N_("请在%(when)s前补充，过时这一单会关闭。"),
    "offered": N_("正在请队伍接单。%(when)s前没有队伍接，由上一级派单。"),
    "dispatched": N_("已派给队伍，队长会在%(when)s前答复。"),
    "accepted": N_("队伍已接单，会在%(when)s前定好时间。"),
    "scheduled": N_("服务结束后，队长会在%(when)s前登记结果。"),
    "served": N_("请在%(when)s前评价，过时按默认结束。"),
}
_WORKING: Mapping[str, str] = {
    "placed": N_("请在%(when)s前开始审核，过时转到上一级。"),
    "under_review": N_("请在%(when)s前审完，过时转到上一级。"),
    "needs_information": N_("等居民在%(when)s前补充，过时这一单会关闭。"),
    "dispatched": N_("请队长在%(when)s前答复，过时重新派单。"),
    "accepted": N_("请在%(when)s前定好时间，过时重新找队伍。"),
    "scheduled": N_("服务结束后，请在%(when)s前登记结果。"),
    "served": N_("等居民在%(when)s前评价，也可以打电话问。"),
}
_LATE: Mapping[str, str] = {
    "placed": N_("审核已经超时，上一级正在催办。"),
    "under_review": N_("审核已经超时，上一级正在催办。"),
    "offered": N_("还没有队伍接单，上一级正在派单。"),
    "dispatched": N_("队伍还没有答复，正在重新安排。"),
    "accepted": N_("时间还没有定下来，正在重新安排。"),
    "scheduled": N_("服务结果还没有登记，工作人员正在催办。"),
}
PARTS: Mapping[str, tuple[time, time]] = {
    "any": (time(8), time(20)),
    "morning": (time(9), time(12)),
    "afternoon": (time(13), time(17)),
    "evening": (time(17), time(20)),
}
"""Parts of a day that a resident may wish for."""


def need_name(named: Mapping[str, Any]) -> str:
    """The need of an order, or of the menu, in the language of the page."""
    zh, en = named.get("need_zh") or named.get("zh"), named.get("need_en") or named.get("en")
    return str(en if current() == "en" and en else zh)


def shown(order: Mapping[str, Any], now: datetime, teams: Mapping[str, str], *, working: bool = True) -> dict[str, Any]:
    """An order with its words: state, way, next step, time left, and its steps with the latest first.

    Args:
        working: whether it is shown to those who work on it, and not to its resident.
    """
    state = str(order["state"])
    steps = [_step(step, teams) for step in order["history"]]
    return {
        **order,
        "need": need_name(order),
        "tone": _TONES.get(state, ""),
        "stages": _stages(state),
        "next": _next(order, state, working),
        "left": time_left(order["due_at"], now) if order["due_at"] else "",
        "steps": steps[::-1],
        "declined": sum(step["act"] == "decline" for step in order["history"]),
        "ended": order["due_at"] is None,
    }


def time_left(due_at: str | datetime, now: datetime) -> str:
    """``还剩 1 天 3 小时`` or how long something is late."""
    left = parse(due_at) - now
    size = _length(abs(left))
    return _("还剩 %(size)s", size=size) if left > timedelta() else _("超时 %(size)s", size=size)


def matched(teams: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Teams for an order with the reasons of their rank in words."""
    return [{**team, "why": [said for why in team["reasons"] if (said := _why(why))]} for team in teams]


def window_of(day: date, part: str) -> tuple[str, str]:
    """The beginning and end of a part of a day of the district, as instants."""
    first, last = (datetime.combine(day, at, DISTRICT_ZONE).isoformat() for at in PARTS[part])
    return first, last


def _length(size: timedelta) -> str:
    minutes = int(size.total_seconds() // 60)
    days, rest = divmod(minutes, 24 * 60)
    if not days:
        return spell_minutes(rest)
    hours = rest // 60
    return _("%(days)s 天 %(hours)s 小时", days=days, hours=hours) if hours else _n("%(n)s 天", days)


def _stages(state: str) -> list[tuple[str, str]]:
    behind = _STAGE_OF.get(state)
    if behind is None:
        return []
    marks = ["done" if n < behind else "now" if n == behind else "" for n in range(len(_STAGES))]
    return list(zip((_(name) for name in _STAGES), marks, strict=True))


def _next(order: Mapping[str, Any], state: str, working: bool) -> str:
    if order["due_at"] is None:
        return ""
    if order["late"] and state in _LATE:
        return _(_LATE[state])
    said = _WORKING.get(state) if working else None
    return _(said or _NEXT[state], when=moment(order["due_at"]))


def _step(step: Mapping[str, Any], teams: Mapping[str, str]) -> dict[str, Any]:
    return {**step, "said": _step_said(step, teams.get(str(step["team_id"]), ""))}


_OF_TEAM = {
    "accept": N_("%(team)s 接了单"),
    "decline": N_("%(team)s 没有接"),
    "dispatch": N_("派给了 %(team)s"),
}


def _step_said(step: Mapping[str, Any], team: str) -> str:
    act, state, reason = str(step["act"]), str(step["state"]), step["reason_code"]
    said = word(act, "order_act")
    if team and act in _OF_TEAM:
        said = _(_OF_TEAM[act], team=team)
    elif act == "escalate":
        said = _("超时，转到%(desk)s处理", desk=word(step["waits_at"], "order_desk"))
    elif act == "complete" and state != "served":
        said = _("这次没有服务成，重新定时间")
    elif state == "unfulfilled":
        said = _("没有找到能接的队伍")
    return _("%(what)s（%(why)s）", what=said, why=word(reason, "order_reason")) if reason else said


def _why(why: Mapping[str, Any]) -> str:
    code, value = str(why["code"]), float(why["value"])
    if code == "distance":
        return _("就在本站点") if value == 0 else _n("隔 %(n)s 级站点", int(value))
    if code == "docked":
        return _("和本站点结了对") if value else ""
    if code == "skilled":
        return _n("%(n)s 位有这项技能", int(value)) if value else ""
    if code == "load":
        return _n("近 30 天有 %(n)s 场服务", int(value)) if value else _("近 30 天没有服务")
    if code == "few-ratings":
        return _n("只有 %(n)s 次评价", int(value)) if value else _("还没有评价")
    stars = f"{value:.1f}"
    return _("评价 %(stars)s 分", stars=stars) if code == "rating" else ""


async def read_details(visit: Visit, order_id: str) -> dict[str, Any]:
    """Address, phone and what to know; or the sentence why they are not shown now."""
    try:
        return {"refusal": "", **(await visit.ask("recruitment", f"/orders/{order_id}/details"))}
    except UpstreamProblem as problem:
        if problem.status == 401:
            raise
        return {"refusal": say(problem.type, problem.detail, problem.extra)}
