"""Why a balance is what it is, in plain words: the statement's explanations and the records behind them."""

import asyncio
from collections.abc import Mapping
from typing import Any

from services.web.pages.visit import Visit
from services.web.pages.wording import day, figure, moment, spell_minutes, word

__all__ = ["entry", "hours", "record_line", "statement"]

_REASONS: Mapping[str, str] = {
    "counted": "全部计分",
    "cut": "当日计分时长已到上限，超出部分不计分",
    "cut-short": "当日计分时长所剩不足最低时长，不计分",
    "day-full": "当日计分时长已满，不计分",
    "short": "不足最低服务时长，不计分",
    "provisional": "记录待确认，确认后计分",
    "void": "记录已作废，不计分",
    "provenance": "补录或导入的时长只计服务时长，不计积分",
    "flagged": "记录正在核查，核查清楚前不计分",
}


def record_line(record: Mapping[str, Any]) -> dict[str, Any]:
    """One record of an explanation: what it was, how long, what counted, and what it came to."""
    minutes, counted = int(record.get("minutes") or 0), int(record.get("counted_minutes") or 0)
    points, per_hour = int(record.get("points") or 0), int(record.get("points_per_hour") or 0)
    reason = str(record.get("reason", ""))
    said = _REASONS.get(reason, str(record.get("reason_text") or reason))
    if kinds := [word(case["kind"], "case") for case in record.get("cases", []) if case["status"] != "cleared"]:
        said = f"{said}：{'、'.join(kinds)}"
    if reason == "provisional" and record.get("started_at") and not record.get("ended_at"):
        said = "服务中，签退后计分"
    sum_said = f"{spell_minutes(counted)} × 每小时 {per_hour} 分 = {figure(points)} 分" if counted else "计 0 分"
    return {
        "title": record.get("theme") or "志愿服务",
        "when": moment(record["started_at"]) if record.get("started_at") else "",
        "provenance": word(record["provenance"], "provenance") if record.get("provenance") else "",
        "device": record.get("device_ref"),
        "duration": spell_minutes(minutes),
        "sum": sum_said,
        "reason": said,
        "points": points,
    }


def bucket_said(bucket: str | None) -> str:
    """What a bucket of the ledger is to a person: a day, or the bonus for the first service."""
    if not bucket:
        return ""
    kind, _, rest = bucket.partition("/")
    if kind == "day":
        return f"{day(rest, year=True)}的服务"
    return "首次服务奖励" if rest == "first-service" else bucket


def entry(line: Mapping[str, Any]) -> dict[str, Any]:
    """One transfer as the page tells it. ``change`` is the signed change of the points that may be spent."""
    explanation = line.get("explanation") or {}
    code = str(line["code"])
    spendable = "available"
    change = 0
    if str(line["credit"]).endswith(spendable):
        change = int(line["amount"])
    elif str(line["debit"]).endswith(spendable):
        change = -int(line["amount"])
    redemption = explanation.get("redemption") or {}
    lot = explanation.get("lot") or {}
    return {
        "title": word(code, "code"),
        "about": redemption.get("reward_name") or bucket_said(line.get("bucket")),
        "when": moment(line["posted_at"]),
        "change": change,
        "amount": int(line["amount"]),
        "rule_version": explanation.get("rule_version") or line.get("rule_version"),
        "bucket_points": explanation.get("points"),
        "first_service": str(line.get("bucket") or "").startswith("life/"),
        "records": [record_line(record) for record in explanation.get("records", [])],
        "lot": bucket_said(lot.get("bucket")),
        "expires_on": day(f"{lot['expires_on']}T12:00:00+08:00", year=True) if _dated(lot.get("expires_on")) else "",
        "correlation_id": line.get("correlation_id"),
    }


def _dated(value: Any) -> bool:
    """Whether a lot ends on a day; some never do."""
    return isinstance(value, str) and value < "9000"


async def statement(visit: Visit, cursor: str | None) -> dict[str, Any]:
    """Context of the page of all movements, newest first."""
    volunteer_id = visit.volunteer()
    query = {"cursor": cursor} if cursor else {}
    account, found = await asyncio.gather(
        visit.ask("points", f"/accounts/{volunteer_id}"),
        visit.ask("points", f"/accounts/{volunteer_id}/statement", limit="20", **query),
    )
    entries = [entry(line) for line in found["items"]]
    return {"account": account, "entries": entries, "next_cursor": found.get("next_cursor"), "first": cursor is None}


async def hours(visit: Visit, cursor: str | None) -> dict[str, Any]:
    """Context of the page of hours: totals by provenance, and each day's records with what they came to."""
    volunteer_id = visit.volunteer()
    query = {"cursor": cursor} if cursor else {}
    account, found = await asyncio.gather(
        visit.ask("points", f"/accounts/{volunteer_id}"),
        visit.ask("points", f"/accounts/{volunteer_id}/explanations", limit="20", **query),
    )
    days = [
        {
            "title": bucket_said(bucket["bucket"]),
            "points": bucket["points"],
            "rule_version": bucket["rule_version"],
            "records": [record_line(record) for record in bucket["explanation"].get("records", [])],
        }
        for bucket in found["items"]
        if bucket["explanation"].get("records")
    ]
    return {"account": account, "days": days, "next_cursor": found.get("next_cursor"), "first": cursor is None}
