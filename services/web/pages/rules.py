"""What service is worth, in one sentence: from the rule in force, so that the page never promises another."""

from collections.abc import Mapping
from typing import Any

from services.web.gateway.upstream import Problem, UpstreamAway
from services.web.pages.visit import Visit
from services.web.pages.wording import spell_minutes

__all__ = ["rule_said", "rule_sentence"]

AGE_SECONDS = 60.0


async def rule_said(visit: Visit) -> str:
    """The sentence about the newest active rule; empty while it cannot be had."""

    async def load() -> str:
        found = (await visit.web.upstream.call("GET", "points", "/rules")).accepted()
        active = [rule for rule in found["items"] if rule.get("status", "active") == "active"]
        return rule_sentence(active[-1]["document"]) if active else ""

    try:
        said: str = await visit.web.cache.get("rule", AGE_SECONDS, load)
    except (Problem, UpstreamAway, KeyError, TypeError):
        return ""
    return said


def rule_sentence(document: Mapping[str, Any]) -> str:
    """从签到到签退满 15 分钟才计积分…; every clause only if the rule has it."""
    earning = document["earning"]
    said = [
        f"从签到到签退满 {spell_minutes(earning['minimum_minutes'])}才计积分：每小时 {earning['points_per_hour']} 分"
    ]
    for rate in earning.get("rates") or []:
        months = "、".join(str(month) for month in rate["months"])
        said.append(f"{months} 月{rate['name']}每小时 {rate['points_per_hour']} 分")
    cap = (document.get("caps") or {}).get("day_minutes")
    if cap:
        said.append(f"一天最多计 {spell_minutes(cap)}")
    first = (document.get("first_service") or {}).get("points")
    if first:
        said.append(f"第一次服务另加 {first} 分")
    return "，".join(said) + "。"
