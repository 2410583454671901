"""The points of service in sentences: from the rule in force, so that the page never promises another."""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

from fastapi import APIRouter, Response

from services.web.gateway.upstream import UpstreamAway, UpstreamProblem
from services.web.pages.language import N_, SOURCE, N_n, _, _n, current, listed
from services.web.pages.public.district import district_now
from services.web.pages.render import page
from services.web.pages.visit import Visit, VisitOf
from services.web.pages.wording import month, spell_minutes, word
from shared.auth.access import public
from shared.clock import district_day

__all__ = ["clauses", "router", "rule_said", "rule_sentence", "worth_of", "worth_said", "worth_served"]

router = APIRouter(include_in_schema=False, dependencies=[public()])

AGE_SECONDS = 2.0
"""Short, so that an activation shows at once; a crowd still costs the service one question."""
LEVELS = {"leader": N_("队长"), "site": N_("站点"), "centre": N_("中心")}


@router.get("/rules")
async def rules(visit: VisitOf) -> Response:
    """Every rule that is or was in force, the present one first."""
    today = district_day(await district_now(visit)).isoformat()
    active = sorted(await _active(visit), key=lambda rule: str(rule["effective_from"]), reverse=True)
    present = next((rule["version"] for rule in active if str(rule["effective_from"]) <= today), None)
    found = [
        {
            "state": "present"
            if rule["version"] == present
            else "future"
            if str(rule["effective_from"]) > today
            else "past",
            "version": rule["version"],
            "name": rule["name"],
            "effective_from": rule["effective_from"],
            "from_start": str(rule["effective_from"]) <= "2000-01-01",
            "clauses": list(clauses(rule["document"])),
        }
        for rule in active
    ]
    return page("public/rules.html", visit.session, path=visit.path, rules=found)


async def rule_said(visit: Visit) -> str:
    """The sentence about the rule that is in force today; empty while it cannot be had."""
    today = district_day(await district_now(visit)).isoformat()
    active = [rule for rule in await _active(visit) if str(rule["effective_from"]) <= today]
    try:
        return rule_sentence(max(active, key=lambda rule: str(rule["effective_from"]))["document"]) if active else ""
    except (KeyError, TypeError):
        return ""


async def _active(visit: Visit) -> list[Any]:
    async def load() -> list[Any]:
        found = (await visit.web.upstream.call("GET", "points", "/rules")).accepted()
        return [rule for rule in found["items"] if rule.get("status", "active") == "active"]

    try:
        kept: list[Any] = await visit.web.cache.get("rules", AGE_SECONDS, load)
    except (UpstreamProblem, UpstreamAway, KeyError, TypeError):
        return []
    return kept


def rule_sentence(document: Mapping[str, Any]) -> str:
    """从签到到签退满 15 分钟才计积分…; the clauses in one sentence."""
    joined = reduce(
        lambda before, after: _("%(before)s，%(after)s", before=before, after=after), clauses(document, short=True)
    )
    return _("%(clauses)s。", clauses=joined)


def clauses(document: Mapping[str, Any], *, short: bool = False) -> Iterator[str]:
    """The sentences of a rule, clause by clause, each if the rule has it; ``short`` leaves out what matters seldom."""
    earning = document["earning"]
    hour = earning["points_per_hour"]
    least = int(earning.get("minimum_minutes") or 0)
    if least > 1:
        yield _n("从签到到签退满 %(least)s才计积分：每小时 %(n)s 积分", hour, least=spell_minutes(least))
    else:
        yield _n("从签到到签退，每小时 %(n)s 积分", hour)
    if share := earning.get("minimum_percent"):
        yield _("服务时长不到计划时长的 %(share)s%% 不计分", share=share)
    yield from _rounding(earning.get("rounding"))
    for rate in earning.get("rates") or ():
        yield _n("%(when)s每小时 %(n)s 积分", rate["points_per_hour"], when=_when(rate))
    for multiplier in earning.get("multipliers") or ():
        yield _("%(when)s按 %(percent)s%% 计", when=_when(multiplier), percent=multiplier["percent"])
    yield from _caps(document.get("caps") or {})
    yield from _limits(document.get("limits") or {})
    if first := (document.get("first_service") or {}).get("points"):
        yield _n("第一次服务另加 %(n)s 积分", first)
    if not short:
        yield from _rest(document)


def _rounding(rounding: Mapping[str, Any] | None) -> Iterator[str]:
    if not rounding:
        return
    unit = spell_minutes(rounding["every_minutes"])
    steps = [
        _("满 %(least)s 分钟计 %(counted)s", least=step["from_minutes"], counted=spell_minutes(step["counts_minutes"]))
        for step in rounding["steps"]
    ]
    if steps:
        yield _("时长按每 %(unit)s计，余下的%(steps)s，再少不计", unit=unit, steps=_("，").join(steps))
    else:
        yield _("时长按整 %(unit)s计，余下的不计", unit=unit)


def _when(item: Mapping[str, Any]) -> str:
    """3 月雷锋月: under which conditions, and by which name."""
    said = []
    if months := item.get("months"):
        said.append(_months(months))
    if item.get("first_day") or item.get("last_day"):
        first, last = item.get("first_day") or _("以前"), item.get("last_day") or _("以后")
        said.append(_("%(first)s 到 %(last)s ", first=first, last=last))
    if some := item.get("kinds"):
        said.append(_("类别为%(kinds)s的", kinds=listed(some)))
    if some := item.get("themes"):
        said.append(_("主题为%(themes)s的", themes=listed(some)))
    if some := item.get("provenances"):
        said.append(_("%(provenances)s的", provenances=listed(word(one, "provenance") for one in some)))
    if not said:
        return str(item["name"])
    conditions = reduce(lambda before, after: _("%(before)s%(after)s", before=before, after=after), said)
    return _("%(conditions)s%(name)s", conditions=conditions, name=item["name"])


def _months(numbers: Sequence[int]) -> str:
    """3、4 月 or Mar, Apr."""
    if current() == SOURCE:
        return _("%(months)s 月", months=listed(numbers))
    return listed(month(number) for number in numbers)


_CAPS: Sequence[tuple[str, str, str]] = (
    ("record", N_("一次最多计 %(time)s"), N_n("一次最多得 %(n)s 积分")),
    ("activity", N_("一个活动最多计 %(time)s"), N_n("一个活动最多得 %(n)s 积分")),
    ("day", N_("一天最多计 %(time)s"), N_n("一天最多得 %(n)s 积分")),
    ("month", N_("一个月最多计 %(time)s"), N_n("一个月最多得 %(n)s 积分")),
    ("year", N_("一年最多计 %(time)s"), N_n("一年最多得 %(n)s 积分")),
)
"""Caps by what they bound: on minutes and on points."""
_WITHIN: Mapping[str, str] = {"day": N_("每天%(cap)s"), "month": N_("每月%(cap)s"), "year": N_("每年%(cap)s")}


def _caps(caps: Mapping[str, Any]) -> Iterator[str]:
    within = _WITHIN.get(str(caps.get("activity_within")), "%(cap)s")
    for of, most_time, most_points in _CAPS:
        outer = within if of == "activity" else "%(cap)s"
        if (minutes := caps.get(f"{of}_minutes")) is not None:
            yield _(outer, cap=_(most_time, time=spell_minutes(minutes)))
        if (points := caps.get(f"{of}_points")) is not None:
            yield _(outer, cap=_n(most_points, points))


def _limits(limits: Mapping[str, Any]) -> Iterator[str]:
    if number := limits.get("records_per_activity_day"):
        yield _n("同一个活动一天最多计 %(n)s 次", number)
    for approval in limits.get("approvals") or ():
        above = spell_minutes(approval["above_minutes"])
        level = _(LEVELS[approval["level"]]) if approval["level"] in LEVELS else str(approval["level"])
        yield _("一天超过 %(above)s的部分，要%(level)s批准才计分", above=above, level=level)


def _rest(document: Mapping[str, Any]) -> Iterator[str]:
    if provenances := document["earning"].get("provenances"):
        some = listed(word(one, "provenance") for one in provenances)
        yield _("只有%(provenances)s的时长计积分，其余只计服务时长", provenances=some)
    worth = (document.get("complaint") or {}).get("worth_percent", 100)
    if worth != 100:
        yield _("有投诉的服务只计 %(percent)s%%", percent=worth) if worth else _("有投诉的服务不计分")
    if points := (document.get("referral") or {}).get("points"):
        yield _n("引荐一人成为志愿者奖励 %(n)s 积分", points)
    if (cap := (document.get("balance") or {}).get("cap_points")) is not None:
        yield _n("余额最多 %(n)s 积分，超出的捐出", cap)
    if number := (document.get("redemptions") or {}).get("per_quarter"):
        yield _n("每季度最多兑换 %(n)s 次", number)
    yield _expiry(document.get("expiry") or {})


def _expiry(expiry: Mapping[str, Any]) -> str:
    if months := expiry.get("months"):
        return _n("积分从服务当天起 %(n)s 个月内有效", months)
    fixed = expiry.get("fixed_day")
    if not fixed:
        return _("积分长期有效")
    number, _dash, last = fixed.partition("-")
    day = {"month": _months([int(number)]), "day": int(last)}
    if years := expiry.get("years"):
        return _n("积分有效到第 %(n)s 年后的 %(month)s %(day)s 日", years, **day)
    return _("积分有效到下一个 %(month)s %(day)s 日", **day)


async def worth_of(visit: Visit, shift: Mapping[str, Any]) -> str:
    """Word the points of a whole shift and from when on, in one sentence; empty while they are not available."""
    query = _of_shift(shift)

    async def load() -> Any:
        return (await visit.web.upstream.call("GET", "points", "/worth", query=query)).accepted()

    try:
        worth = await visit.web.cache.get(f"worth {sorted(query.items())}", AGE_SECONDS, load)
        return worth_said(worth)
    except (UpstreamProblem, UpstreamAway, KeyError, TypeError):
        return ""


async def worth_served(visit: Visit, shift: Mapping[str, Any], minutes: int) -> Mapping[str, Any] | None:
    """Ask for the points of a shift and of its first minutes alone; None while they are not available."""
    query = {**_of_shift(shift), "served_minutes": str(minutes)}
    try:
        answer = await visit.web.upstream.call("GET", "points", "/worth", query=query)
        found: Mapping[str, Any] = answer.accepted()
    except (UpstreamProblem, UpstreamAway):
        return None
    return found if found.get("served") else None


def _of_shift(shift: Mapping[str, Any]) -> dict[str, str]:
    return {
        "starts_at": str(shift["starts_at"]),
        "ends_at": str(shift["ends_at"]),
        "kind": str(shift.get("kind") or ""),
        "theme": str(shift.get("theme") or ""),
    }


def worth_said(worth: Mapping[str, Any]) -> str:
    """Word the points of a whole shift, and from which minute on there are any."""
    points, whole = int(worth["points"]), spell_minutes(worth["minutes"])
    if not points:
        return _("按现行规则，这个班次（%(whole)s）不计积分，时长照记。", whole=whole)
    least = worth.get("from_minutes")
    if least and least < worth["minutes"]:
        since = N_n("全程 %(whole)s得 %(n)s 积分，满 %(least)s开始得分。")
        return _n(since, points, whole=whole, least=spell_minutes(least))
    return _n("全程 %(whole)s得 %(n)s 积分。", points, whole=whole)
