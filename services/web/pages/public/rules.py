"""The points of service in sentences: from the rule in force, so that the page never promises another."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Response

from services.web.gateway.upstream import UpstreamAway, UpstreamProblem
from services.web.pages.public.district import district_now
from services.web.pages.render import page
from services.web.pages.visit import Visit, VisitOf
from services.web.pages.wording import spell_minutes, word
from shared.auth.access import public
from shared.clock import district_day

__all__ = ["clauses", "router", "rule_said", "rule_sentence", "worth_of", "worth_said", "worth_served"]

router = APIRouter(include_in_schema=False, dependencies=[public()])

AGE_SECONDS = 2.0
"""Short, so that an activation shows at once; a crowd still costs the service one question."""
LEVELS = {"leader": "队长", "site": "站点", "centre": "中心"}


@router.get("/rules")
async def rules(visit: VisitOf) -> Response:
    """Every rule that is or was in force, the present one first."""
    today = district_day(await district_now(visit)).isoformat()
    active = sorted(await _active(visit), key=lambda rule: str(rule["effective_from"]), reverse=True)
    present = next((rule["version"] for rule in active if str(rule["effective_from"]) <= today), None)
    found = [
        {
            "state": "现行"
            if rule["version"] == present
            else "将要执行"
            if str(rule["effective_from"]) > today
            else "以前",
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
    return "，".join(clauses(document, short=True)) + "。"


def clauses(document: Mapping[str, Any], *, short: bool = False) -> Iterator[str]:
    """The sentences of a rule, clause by clause, each if the rule has it; ``short`` leaves out what matters seldom."""
    earning = document["earning"]
    hour = f"每小时 {earning['points_per_hour']} 分"
    least = int(earning.get("minimum_minutes") or 0)
    yield f"从签到到签退满 {spell_minutes(least)}才计积分：{hour}" if least > 1 else f"从签到到签退，{hour}"
    if share := earning.get("minimum_percent"):
        yield f"服务时长不到计划时长的 {share}% 不计分"
    yield from _rounding(earning.get("rounding"))
    for rate in earning.get("rates") or ():
        yield f"{_when(rate)}每小时 {rate['points_per_hour']} 分"
    for multiplier in earning.get("multipliers") or ():
        yield f"{_when(multiplier)}按 {multiplier['percent']}% 计"
    yield from _caps(document.get("caps") or {})
    yield from _limits(document.get("limits") or {})
    if first := (document.get("first_service") or {}).get("points"):
        yield f"第一次服务另加 {first} 分"
    if not short:
        yield from _rest(document)


def _rounding(rounding: Mapping[str, Any] | None) -> Iterator[str]:
    if not rounding:
        return
    unit = spell_minutes(rounding["every_minutes"])
    steps = "，".join(
        f"满 {step['from_minutes']} 分钟计 {spell_minutes(step['counts_minutes'])}" for step in rounding["steps"]
    )
    yield f"时长按每 {unit}计，余下的{steps}，再少不计" if steps else f"时长按整 {unit}计，余下的不计"


def _when(item: Mapping[str, Any]) -> str:
    """3 月雷锋月: under which conditions, and by which name."""
    said = []
    if months := item.get("months"):
        said.append(f"{'、'.join(str(month) for month in months)} 月")
    if item.get("first_day") or item.get("last_day"):
        said.append(f"{item.get('first_day') or '以前'} 到 {item.get('last_day') or '以后'} ")
    for name, title in (("kinds", "类别为"), ("themes", "主题为")):
        if some := item.get(name):
            said.append(f"{title}{'、'.join(some)}的")
    if some := item.get("provenances"):
        said.append(f"{'、'.join(word(one, 'provenance') for one in some)}的")
    return f"{''.join(said)}{item['name']}"


_SCOPES: Sequence[tuple[str, str]] = (
    ("record", "一次"),
    ("activity", "一个活动"),
    ("day", "一天"),
    ("month", "一个月"),
    ("year", "一年"),
)


def _caps(caps: Mapping[str, Any]) -> Iterator[str]:
    within = {"day": "每天", "month": "每月", "year": "每年"}.get(str(caps.get("activity_within")), "")
    for of, said in _SCOPES:
        prefix = within if of == "activity" else ""
        if (minutes := caps.get(f"{of}_minutes")) is not None:
            yield f"{prefix}{said}最多计 {spell_minutes(minutes)}"
        if (points := caps.get(f"{of}_points")) is not None:
            yield f"{prefix}{said}最多得 {points} 分"


def _limits(limits: Mapping[str, Any]) -> Iterator[str]:
    if number := limits.get("records_per_activity_day"):
        yield f"同一个活动一天最多计 {number} 次"
    for approval in limits.get("approvals") or ():
        level = LEVELS.get(approval["level"], approval["level"])
        yield f"一天超过 {spell_minutes(approval['above_minutes'])}的部分，要{level}批准才计分"


def _rest(document: Mapping[str, Any]) -> Iterator[str]:
    provenances = "、".join(word(one, "provenance") for one in document["earning"].get("provenances") or ())
    if provenances:
        yield f"只有{provenances}的时长计积分，其余只计服务时长"
    worth = (document.get("complaint") or {}).get("worth_percent", 100)
    if worth != 100:
        yield "有投诉的服务不计分" if not worth else f"有投诉的服务只计 {worth}%"
    if points := (document.get("referral") or {}).get("points"):
        yield f"引荐一人成为志愿者奖励 {points} 分"
    if (cap := (document.get("balance") or {}).get("cap_points")) is not None:
        yield f"余额最多 {cap} 分，超出的捐出"
    if number := (document.get("redemptions") or {}).get("per_quarter"):
        yield f"每季度最多兑换 {number} 次"
    expiry = document.get("expiry") or {}
    if months := expiry.get("months"):
        yield f"积分从服务当天起 {months} 个月内有效"
    elif fixed := expiry.get("fixed_day"):
        month, _, last = fixed.partition("-")
        later = f"第 {expiry['years']} 年后的" if expiry.get("years") else "下一个"
        yield f"积分有效到{later} {int(month)} 月 {int(last)} 日"
    else:
        yield "积分长期有效"


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
        return f"按现行规则，这个班次（{whole}）不计积分，时长照记。"
    least = worth.get("from_minutes")
    since = f"，满 {spell_minutes(least)}开始得分" if least and least < worth["minutes"] else ""
    return f"全程 {whole}得 {points} 分{since}。"
