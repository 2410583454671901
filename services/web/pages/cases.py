"""Cases of integrity as staff read them: what was found, where, and whether it is still so."""

import asyncio
from collections.abc import Mapping
from typing import Any

from services.web.gateway.upstream import Problem, UpstreamAway
from services.web.pages.visit import Visit
from services.web.pages.wording import figure, moment, span, spell_minutes, word

__all__ = ["STATUSES", "cases", "told"]

STATUSES = ("open", "cleared", "confirmed")
SHOWN = 20

_FOUND: Mapping[str, str] = {
    "two-sites": "同一人的两条已确认记录，在两个站点有 {measured} 重叠（满 {limit} 即核查）",
    "burst": "同一记录人十分钟内记了 {measured} 条（满 {limit} 条即核查）",
    "no-check-in": "这一天有 {measured} 没有本人签到（满 {limit} 即核查）",
    "many-accounts": "这一天有 {measured} 个人用同一台设备（满 {limit} 个即核查）",
    "long-day": "这一天的服务合计 {measured}（超过 {limit} 即核查）",
}


def found_said(case: Mapping[str, Any], measured: int | None = None) -> str:
    """What was found, with its numbers; or what its records come to now."""
    evidence = case["evidence"]
    number = spell_minutes if evidence.get("unit") == "minutes" else figure
    found = evidence["measured"] if measured is None else measured
    return _FOUND[case["kind"]].format(measured=number(found), limit=number(evidence["limit"]))


def told(case: Mapping[str, Any], sites: Mapping[str, str]) -> dict[str, Any]:
    """One case with its records as the page tells it."""
    evidence, known = case["evidence"], {"volunteer": "志愿者", "recorder": "记录人", "device": "设备"}
    now = case.get("measured")
    return {
        "case_id": case["case_id"],
        "kind": word(case["kind"], "case"),
        "found": found_said(case),
        "when": span(evidence["from"], evidence["to"]) if evidence.get("from") else evidence["day"],
        "sites": "、".join(sites.get(site, "站点未知") for site in case["site_ids"]),
        "subject": f"{known[case['subject_kind']]} {case['subject'][-6:]}",
        "status": case["status"],
        "status_said": word(case["status"], "case"),
        "settled": f"{moment(case['settled_at'])}：{case['reason']}" if case.get("settled_at") else "",
        "opened": moment(case["opened_at"]),
        "gone": case.get("still_so") is False,
        "now": found_said(case, now) if now is not None else "",
        "count": case["records"],
        "records": [_record(record, sites) for record in case.get("seen_records", [])[:SHOWN]],
    }


def _record(record: Mapping[str, Any], sites: Mapping[str, str]) -> dict[str, Any]:
    if not record.get("started_at"):
        return {"when": "", "what": "积分服务尚未收到这条记录"}
    said = [
        sites.get(str(record["site_id"]), "站点未知"),
        str(record["theme"]),
        spell_minutes(record["minutes"]),
        word(record["provenance"], "provenance"),
        word(record["status"], "status"),
    ]
    return {"when": span(record["started_at"], record["ended_at"]), "what": " · ".join(said)}


async def cases(visit: Visit, status: str, cursor: str | None) -> dict[str, Any]:
    """Context of the page of cases, newest first, each in full."""
    query = {"cursor": cursor} if cursor else {}
    found, sites = await asyncio.gather(
        visit.ask("points", "/cases", status=status, limit="10", **query), visit.site_names()
    )
    full = await asyncio.gather(*(_in_full(visit, case) for case in found["items"]))
    return {
        "cases": [told(case, sites) for case in full],
        "chosen": status,
        "statuses": [(name, word(name, "case")) for name in STATUSES],
        "next_cursor": found.get("next_cursor"),
        "may_settle": "operator" in visit.session.roles,
    }


async def _in_full(visit: Visit, case: dict[str, Any]) -> dict[str, Any]:
    """The case with its records, or without where these cannot be had."""
    try:
        full: dict[str, Any] = await visit.ask("points", f"/cases/{case['case_id']}")
        return full
    except (Problem, UpstreamAway):
        return case
