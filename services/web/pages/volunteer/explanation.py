"""Why a balance is what it is, in plain words: the statement's explanations and the records behind them."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from services.web.pages.language import N_, _
from services.web.pages.public.district import district_now
from services.web.pages.visit import Visit
from services.web.pages.volunteer.reasons import reason_of
from services.web.pages.volunteer.sums import sum_of
from services.web.pages.wording import day, device, moment, month, parse, span, spell_minutes, word
from shared.clock import DISTRICT_ZONE

__all__ = [
    "Whose",
    "balance",
    "bucket_said",
    "entry",
    "hours",
    "lot_line",
    "mine",
    "movements",
    "record_line",
    "records_of",
    "statement",
]

DENIABLE = timedelta(days=14)
"""How long the page offers to deny what others recorded; recruitment decides."""


def record_line(record: Mapping[str, Any], notes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One record of an explanation: its service, its length, what counted and what not, and its points.

    For further questions: at which revision, by which device and by which account it was recorded.
    """
    minutes, counted = int(record.get("minutes") or 0), int(record.get("counted_minutes") or 0)
    points, per_hour = int(record.get("points") or 0), int(record.get("points_per_hour") or 0)
    said = reason_of(record, minutes)
    uncounted = minutes - counted
    outside = _outside(record, minutes)
    return {
        "title": record.get("theme") or _("志愿服务"),
        "when": moment(record["started_at"]) if record.get("started_at") else "",
        "time": span(record["started_at"], record.get("ended_at")) if record.get("started_at") else "",
        "provenance": word(record["provenance"], "provenance") if record.get("provenance") else "",
        "closed_by": word(record["closed_by"], "closed_by") if record.get("closed_by") else "",
        "duration": spell_minutes(minutes),
        "outside": spell_minutes(outside) if outside > 0 else "",
        "deniable": False,  # offered on the page of hours alone, as the way to the shift is
        "shift": "",
        "uncounted": spell_minutes(uncounted) if counted and uncounted > 0 else "",
        "planned": spell_minutes(record["planned_minutes"]) if record.get("planned_minutes") else "",
        "sum": sum_of(counted, per_hour, points, notes or {}),
        "reason": said,
        "points": points,
        "record_id": str(record.get("record_id") or ""),
        "revision": record.get("revision"),
        "ended": bool(record.get("ended_at")),
        "device": device(record.get("device_ref")),
        "recorder": str(record.get("recorded_by") or "")[-6:].upper(),
        "imported": record.get("provenance") == "imported",
        "site": str(record.get("site_id") or ""),
        "recorder_site": str(record.get("recorder_site_id") or ""),
        "event": record.get("event_id"),
        "trace": record.get("correlation_id"),
    }


def _outside(record: Mapping[str, Any], minutes: int) -> int:
    """Whole minutes of the stay that lie outside of the shift and so count for nothing; 0 for imported hours."""
    if record.get("provenance") == "imported" or not record.get("started_at") or not record.get("ended_at"):
        return 0
    return int((parse(record["ended_at"]) - parse(record["started_at"])).total_seconds()) // 60 - minutes


def records_of(explanation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The records of an explanation, each with what the rule noted about it."""
    notes = (explanation.get("remarks") or {}).get("notes") or {}
    return [record_line(record, notes.get(str(record.get("record_id")))) for record in explanation.get("records", [])]


def bucket_said(bucket: str | None) -> str:
    """Name a bucket of the ledger: a day, a month, an activity, or a bonus."""
    if not bucket:
        return ""
    kind, _slash, rest = bucket.partition("/")
    name, _from, since = rest.partition("/from-")
    said = bucket
    if kind == "day":
        said = _("%(day)s的服务", day=day(name, year=True))
    elif kind == "month":
        said = _("%(year)s年%(month)s的服务", year=int(name[:4]), month=month(int(name[5:7])))
    elif kind == "year":
        said = _("%(year)s年的服务", year=int(name))
    elif kind == "activity":
        said = _("同一个活动的服务")
    elif kind == "life":
        known = _LIFE.get(name.partition("/")[0])
        said = _(known) if known else bucket
    return _("%(said)s（%(day)s起的规则）", said=said, day=day(since, year=True)) if since else said


_LIFE: Mapping[str, str] = {
    "first-service": N_("首次服务奖励"),
    "records": N_("历次服务"),
    "referral": N_("引荐志愿者奖励"),
    "adjustment": N_("中心人工调整"),
}


def movements(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The entries of a statement as a person counts them: one redemption is one movement, from however many lots.

    A pickup changes nothing that may be spent, so it has no entry: the redemption says that it was collected.
    """
    found: list[dict[str, Any]] = []
    last: tuple[Any, ...] | None = None
    for line in lines:
        redeemed = (line.get("explanation") or {}).get("redemption")
        if redeemed and line["code"] == "capture":
            continue
        key = (line["code"], redeemed["redemption_id"], line.get("cause_event_id")) if redeemed else None
        item = entry(line)
        if redeemed and line["code"] == "hold" and redeemed.get("status") in ("captured", "refunded"):
            item |= {"title": _(_COLLECTED), "because": _because("capture", redeemed.get("reward_name"))}
        if key is None or key != last:
            found.append(item)
        else:
            whole = found[-1]
            whole |= {name: whole[name] + item[name] for name in ("change", "amount", "lots", "transfer_ids")}
        last = key
    return found


def entry(line: Mapping[str, Any]) -> dict[str, Any]:
    """One transfer as the page shows it. ``change`` is the signed change of the points that may be spent."""
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
    first = explanation.get("first_record") or {}
    bucket = str(line.get("bucket") or "")
    spends = change < 0 and code != "reversal"
    expires_on = last_day(lot.get("expires_on"))
    return {
        "title": _(_ADJUSTED[code])
        if bucket.startswith("life/adjustment/") and code in _ADJUSTED
        else word(code, "code"),
        "about": redemption.get("reward_name") or bucket_said(bucket),
        "because": "" if explanation.get("adjustments") else _because(code, redemption.get("reward_name")),
        "when": moment(line["posted_at"]),
        "day_and_time": parse(line["posted_at"]).strftime("%Y-%m-%d %H:%M"),
        "change": change,
        "amount": int(line["amount"]),
        "rule_version": explanation.get("rule_version") or line.get("rule_version"),
        "bucket_points": explanation.get("points"),
        "bucket": bucket_said(bucket),
        "first_service": bucket.endswith("/first-service"),
        "first_record": f"{moment(first['started_at'])} {first.get('theme') or ''}".strip() if first else "",
        "referral": bucket.startswith("life/referral/"),
        "records": records_of(explanation),
        "adjustments": [
            {"points": int(one["points"]), "reason": one["reason"], "when": moment(one["decided_at"])}
            for one in explanation.get("adjustments", [])
        ],
        "spends": spends,
        "lots": [{"name": bucket_said(lot["bucket"]), "amount": int(line["amount"]), "expires_on": expires_on}]
        if spends and lot.get("bucket")
        else [],
        "expires_on": expires_on,
        "transfer_id": line.get("transfer_id"),
        "transfer_ids": [line.get("transfer_id")],
        "cause": line.get("cause_event_id"),
        "correlation_id": line.get("correlation_id"),
    }


_COLLECTED = N_("兑换，已领取")
_ADJUSTED: Mapping[str, str] = {
    "award": N_("人工调整，积分入账"),
    "reversal": N_("人工调整，积分扣回"),
}
"""Where it was people and no service that moved the points."""

_BECAUSE: Mapping[str, str] = {
    "hold": N_("您兑换了%(it)s，积分先冻结，领取时才真正用掉。"),
    "capture": N_("%(it)s已经交到您手里，冻结的积分用掉了。"),
    "release": N_("%(it)s没有领取或者退回了，冻结的积分回到原来那一份，有效期不变。"),
    "refund": N_("%(it)s由中心退款，积分回到原来那一份，有效期不变。"),
    "expiry": N_("这些积分到了有效期的最后一天，没有用掉。"),
    "reversal": N_("服务记录更正以后比原来少，多记的积分收回。"),
    "repayment": N_("以前多得又已经用掉的积分，先从新得的分里补还。"),
    "donation": N_("余额到了规则的上限，超出的部分捐出。"),
    "return": N_("更正以后余额没有超过上限，捐出的积分退回来。"),
}
"""Why a transfer was posted, of the kinds that no record or bonus explains by itself."""


def _because(code: str, reward: Any) -> str:
    known = _BECAUSE.get(code)
    return _(known, it=_("“%(name)s”", name=reward) if reward else _("奖品")) if known else ""


def last_day(value: Any) -> str:
    """The last day on which points are good; empty where they are good for ever."""
    return day(f"{value}T12:00:00+08:00", year=True) if isinstance(value, str) and value < "9000" else ""


@dataclass(frozen=True, slots=True)
class Whose:
    """The account that is shown, one's own or a volunteer's to staff, and where its pages are."""

    volunteer_id: str
    base: str
    said: str = ""

    @property
    def own(self) -> bool:
        """Whether the visitor is the volunteer."""
        return self.base == "/me"


def mine(visit: Visit) -> Whose:
    """The visiting volunteer.

    Raises:
        LoginNeeded: the visitor is a stranger.
        Problem: they are known, and no volunteer.
    """
    return Whose(visit.volunteer(), "/me")


async def statement(visit: Visit, whose: Whose, cursor: str | None) -> dict[str, Any]:
    """Context of the page of all movements, newest first."""
    volunteer_id = whose.volunteer_id
    query = {"cursor": cursor} if cursor else {}
    account, found, sites = await asyncio.gather(
        visit.ask("points", f"/accounts/{volunteer_id}"),
        visit.ask("points", f"/accounts/{volunteer_id}/statement", limit="20", **query),
        visit.site_names(),
    )
    return {
        "whose": whose,
        "account": account,
        "entries": movements(found["items"]),
        "sites": sites,
        "next_cursor": found.get("next_cursor"),
        "first": cursor is None,
    }


async def hours(visit: Visit, whose: Whose, cursor: str | None) -> dict[str, Any]:
    """Context of the page of hours: totals by provenance, and each day's records with their points."""
    volunteer_id = whose.volunteer_id
    query = {"cursor": cursor} if cursor else {}
    account, found, sites, now, asked = await asyncio.gather(
        visit.ask("points", f"/accounts/{volunteer_id}"),
        visit.ask("points", f"/accounts/{volunteer_id}/explanations", limit="20", **query),
        visit.site_names(),
        district_now(visit),
        _own_records(visit) if whose.own else _nothing(),
    )
    by_id = {str(one["record_id"]): one for one in asked}
    days = [
        {
            "title": bucket_said(bucket["bucket"]),
            "points": bucket["points"],
            "rule_version": bucket["rule_version"],
            "records": records_of(bucket["explanation"]),
        }
        for bucket in found["items"]
        if bucket["explanation"].get("records")
    ]
    for day_of in days:
        for record in day_of["records"]:
            if (one := by_id.get(record["record_id"])) is not None:
                record |= {"deniable": deniable(one, now), "shift": one["shift_id"]}
    return {
        "whose": whose,
        "account": account,
        "days": days,
        "asked": _closed_automatically(asked) if cursor is None else [],
        "sites": sites,
        "next_cursor": found.get("next_cursor"),
        "first": cursor is None,
    }


def deniable(record: Mapping[str, Any], now: datetime) -> bool:
    """Whether the page offers to deny what another account asserted; the time for it runs from the assertion."""
    if record["asserted_at"] is None or record["ended_at"] is None:
        return False
    if record["status"] == "void" or record["provenance"] == "imported":
        return False
    return now < parse(record["asserted_at"]) + DENIABLE


async def _own_records(visit: Visit) -> list[Any]:
    """The visitor's latest records as recruitment has them; empty while it is away."""
    mine = {"volunteer_id": visit.volunteer(), "limit": "200"}
    found = await visit.get_optional("recruitment", "/attendance/records", **mine)
    return list(found["items"]) if found else []


def _closed_automatically(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Own records whose end the system wrote and the site has not confirmed, with what was answered about them."""
    return [
        {
            "record_id": record["record_id"],
            "title": record["activity_title"] or _("志愿服务"),
            "time": span(record["started_at"], record["ended_at"]),
            "ends_at": parse(record["ended_at"]).astimezone(DISTRICT_ZONE).strftime("%Y-%m-%dT%H:%M"),
            "answer": record["answer"],
            "left_at": record["left_at"],
        }
        for record in records
        if record["status"] == "provisional" and record["closed_by"] == "auto" and not record["waits_for"]
    ]


async def _nothing() -> list[Any]:
    return []


def lot_line(lot: Mapping[str, Any]) -> dict[str, Any]:
    """Points that were earned together and end together, and where they went."""
    return {
        "title": bucket_said(lot["bucket"]),
        "awarded": int(lot["awarded"]),
        "available": int(lot["available"]),
        "held": int(lot["held"]),
        "spent": int(lot["spent"]),
        "expired": int(lot["expired"]),
        "expires_on": last_day(lot.get("expires_on")),
        "rule_version": lot.get("rule_version"),
    }


async def balance(visit: Visit, whose: Whose, cursor: str | None, on: str | None) -> dict[str, Any]:
    """Context of the page of the whole balance: what it consists of, and what it was at the end of a past day."""
    volunteer_id = whose.volunteer_id
    query = {"cursor": cursor} if cursor else {}
    asked = _a_day(on)
    whole, past = await asyncio.gather(
        visit.ask("points", f"/accounts/{volunteer_id}/explanation", limit="30", **query),
        _past(visit, volunteer_id, asked),
    )
    sums = [(word(code, "code"), int(change)) for code, change in whole["movements"].items() if change]
    return {
        "whose": whose,
        "available": whole["available"],
        "held": whole["held"],
        "debt": whole["debt"],
        "movements": sums,
        "lots": [lot_line(lot) for lot in whole["items"]],
        "next_cursor": whole.get("next_cursor"),
        "first": cursor is None,
        "on": asked.isoformat() if asked else "",
        "unclear": bool(on) and asked is None,
        "past": past,
    }


def _a_day(text: str | None) -> date | None:
    try:
        found = date.fromisoformat(text or "")
    except ValueError:
        return None
    return found if 2000 <= found.year < 2200 else None


async def _past(visit: Visit, volunteer_id: str, asked: date | None) -> dict[str, Any] | None:
    """The balances at the end of a day of the district, or as of now if that day is not over."""
    if asked is None:
        return None
    end = datetime.combine(asked + timedelta(days=1), datetime.min.time(), DISTRICT_ZONE) - timedelta(microseconds=1)
    found: dict[str, Any] = await visit.ask("points", f"/accounts/{volunteer_id}", as_of=end.isoformat())
    # a day that is not over ends where nothing can still change: the page says up to when it knows
    return {**found, "clamped": parse(found["as_of"]) < end}
