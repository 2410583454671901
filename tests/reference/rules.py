"""What service is worth under any rule document, the slow and plain way: importing nothing of the service.

A rule is the plain data of its YAML. All records of a person under one rule are gone through once, in order, whatever
buckets the service would put them into; caps are counters that begin anew with each of their periods.
"""

import calendar
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
BONUS = "life/first-service"
APPROVALS = ["none", "leader", "site", "centre"]
Rule = dict[str, Any]
Worth = dict[tuple[str, date], int]
SHIPPED: Rule = {
    "version": 1,
    "name": "岭东区志愿服务积分规则",
    "effective_from": date(2000, 1, 1),
    "zone": "Asia/Shanghai",
    "earning": {
        "provenances": ["scanned", "kiosk", "leader"],
        "points_per_hour": 10,
        "minimum_minutes": 15,
        "rates": [{"name": "雷锋月", "months": [3], "points_per_hour": 15}],
    },
    "caps": {"day_minutes": 480},
    "first_service": {"points": 20},
    "expiry": {"months": 24},
}
"""The demo's rule, which the service ships."""


@dataclass(frozen=True)
class Record:
    """A service record at one revision."""

    record_id: str
    revision: int
    volunteer: str
    status: str
    provenance: str
    started_at: datetime
    minutes: int
    activity: str | None = None
    kind: str = "visit"
    theme: str = "夕阳别样红"
    planned: int = 120
    approval: str = "none"

    @property
    def day(self) -> date:
        return self.started_at.astimezone(ZONE).date()


def months_later(day: date, months: int) -> date:
    year, month = day.year, day.month + months
    while month > 12:
        year, month = year + 1, month - 12
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def last_good_day(rule: Rule, day: date) -> date:
    expiry = rule.get("expiry") or {}
    if "months" in expiry:
        return months_later(day, expiry["months"])
    if "fixed_day" in expiry:
        month, of_month = (int(part) for part in expiry["fixed_day"].split("-"))
        good = day
        while (good.month, good.day) != (month, of_month):
            good += timedelta(days=1)
        return good.replace(year=good.year + expiry.get("years", 0))
    return date.max


def in_force(rules: list[Rule], day: date) -> Rule:
    """The last rule that had begun; before all of them, the one that begins first."""
    begun = [rule for rule in rules if rule["effective_from"] <= day]
    ordered = sorted(begun or rules, key=lambda rule: (rule["effective_from"], rule["version"]))
    if begun:
        return ordered[-1]
    return [rule for rule in ordered if rule["effective_from"] == ordered[0]["effective_from"]][-1]


def bucket(rules: list[Rule], record: Record) -> str:
    """The name of the bucket: the widest period that a cap of its rule needs."""
    rule = in_force(rules, record.day)
    caps = rule.get("caps") or {}
    needs = {name.split("_")[0] for name in caps if name != "activity_within"} - {"record"}
    if "activity" in needs:
        needs = needs - {"activity"} | {caps.get("activity_within", "life")}
    if (rule.get("limits") or {}).get("approvals"):
        needs.add("day")
    day = record.day
    starts = rule["effective_from"] if rule["effective_from"] > min(r["effective_from"] for r in rules) else date.min
    if needs == {"life"}:
        if record.activity is None:
            return f"day/{day}"
        name, begins = f"activity/{record.activity}", date.min
    elif "life" in needs:
        name, begins = "life/records", date.min
    elif "year" in needs:
        name, begins = f"year/{day.year}", date(day.year, 1, 1)
    elif "month" in needs:
        name, begins = f"month/{str(day)[:7]}", day.replace(day=1)
    else:
        return f"day/{day}"
    return f"{name}/from-{starts}" if starts > begins else name


def fits(condition: Rule, record: Record) -> bool:
    if "months" in condition and record.day.month not in condition["months"]:
        return False
    if "first_day" in condition and record.day < condition["first_day"]:
        return False
    if "last_day" in condition and record.day > condition["last_day"]:
        return False
    values = {"kinds": record.kind, "themes": record.theme, "provenances": record.provenance}
    return all(value in condition[name] for name, value in values.items() if name in condition)


def rounded(rule: Rule, minutes: int) -> int:
    rounding = rule["earning"].get("rounding")
    if rounding is None:
        return minutes
    unit, total = rounding.get("every_minutes", 60), 0
    while minutes >= unit:
        minutes, total = minutes - unit, total + unit
    reached = [step["counts_minutes"] for step in rounding.get("steps", []) if step["from_minutes"] <= minutes]
    return total + (reached[-1] if reached else 0)


class Counters:
    """How much of each cap is used up; the minutes of a rule and its points are counted apart."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.caps = rule.get("caps") or {}
        self.used: Counter[tuple[Any, ...]] = Counter()

    def places(self, record: Record) -> list[tuple[str, tuple[Any, ...]]]:
        day = record.day
        within = {"day": day, "month": (day.year, day.month), "year": day.year, "life": None}
        activity = record.activity or ("none", record.record_id)
        return [
            ("record", (record.record_id,)),
            ("activity", (activity, within[self.caps.get("activity_within", "life")])),
            ("approval", (day,)),
            ("day", (day,)),
            ("month", (day.year, day.month)),
            ("year", (day.year,)),
        ]

    def limit(self, of: str, what: str, record: Record) -> int | None:
        if of != "approval":
            found: int | None = self.caps.get(f"{of}_{what}")
            return found
        if what == "points":
            return None
        missing = [
            approval["above_minutes"]
            for approval in (self.rule.get("limits") or {}).get("approvals", [])
            if APPROVALS.index(record.approval) < APPROVALS.index(approval["level"])
        ]
        return min(missing, default=10**9) if "approvals" in (self.rule.get("limits") or {}) else None

    def pass_through(self, what: str, record: Record, amount: int, least: int) -> int:
        for of, place in self.places(record):
            limit = self.limit(of, what, record)
            if limit is None:
                continue
            key = (what, of, place)
            left = max(0, min(amount, limit - self.used[key]))
            self.used[key] += left
            if left < amount and left < least:
                return 0
            amount = left
        return amount


def worth_under(
    rule: Rule, records: list[Record], complained: set[str], flags: dict[str, set[str]]
) -> list[tuple[Record, int]]:
    """Points of each record; all of them stand under this rule."""
    earning, limits = rule["earning"], rule.get("limits") or {}
    counters, times = Counters(rule), Counter[tuple[str, date]]()
    left_by_complaint = (rule.get("complaint") or {}).get("worth_percent", 100)
    least = max(1, earning.get("minimum_minutes", 0))
    found = []
    for record in sorted(records, key=lambda one: (one.started_at, one.record_id)):
        if record.status != "confirmed" or record.provenance not in earning["provenances"]:
            continue
        if flags.get(record.record_id, set()) & set((rule.get("integrity") or {}).get("holds_back", ["two-sites"])):
            continue
        about = record.record_id in complained or record.activity in complained
        if about and left_by_complaint == 0:
            continue
        if record.activity is not None:
            times[record.activity, record.day] += 1
            if times[record.activity, record.day] > limits.get("records_per_activity_day", 10**9):
                continue
        if record.minutes < least or record.minutes * 100 < record.planned * earning.get("minimum_percent", 0):
            continue
        counted = counters.pass_through("minutes", record, rounded(rule, record.minutes), least)
        rates = [rate["points_per_hour"] for rate in earning.get("rates", []) if fits(rate, record)]
        percents = [item["percent"] for item in earning.get("multipliers", []) if fits(item, record)]
        rate, percent = [*rates, earning["points_per_hour"]][0], [*percents, 100][0]
        points = counted * rate * percent // (60 * 100)
        if about:
            points = points * left_by_complaint // 100
        points = counters.pass_through("points", record, points, 0)
        if points:
            found.append((record, points))
    return found


def awards(
    records: list[Record],
    rules: list[Rule],
    complained: set[str],
    referrals: dict[str, date] | None = None,
    flags: dict[str, set[str]] | None = None,
) -> Worth:
    """What one person's records, and the people they brought in, are worth: (bucket, last good day) → points."""
    found: Worth = {}
    earliest: Record | None = None
    for rule in rules:
        own = [record for record in records if in_force(rules, record.day) is rule]
        for record, points in worth_under(rule, own, complained, flags or {}):
            key = (bucket(rules, record), last_good_day(rule, record.day))
            found[key] = found.get(key, 0) + points
            if earliest is None or (record.started_at, record.record_id) < (earliest.started_at, earliest.record_id):
                earliest = record
    if earliest is not None:
        rule = in_force(rules, earliest.day)
        if points := (rule.get("first_service") or {}).get("points", 0):
            found[BONUS, last_good_day(rule, earliest.day)] = points
    for referred, day in (referrals or {}).items():
        rule = in_force(rules, day)
        if points := (rule.get("referral") or {}).get("points", 0):
            found[f"life/referral/{referred}", last_good_day(rule, day)] = points
    return found
