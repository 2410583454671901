"""What service is worth: a rule version, and the pure function that turns a bucket's records into points.

A bucket is one volunteer and one period; `evaluate` is the only place where points of records come from, and
`first_service` the only one where the bonus comes from. Amounts are whole points per expiry date, minutes are whole
minutes, days are days of the district.
"""

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

__all__ = [
    "FIRST_SERVICE",
    "NEVER",
    "REASONS",
    "Award",
    "Facts",
    "First",
    "Line",
    "Period",
    "Rate",
    "Rule",
    "Rulebook",
    "add_months",
    "evaluate",
    "first_service",
]

FIRST_SERVICE: Final = "life/first-service"
NEVER: Final = date.max

REASONS: Final = {
    "counted": "计入积分",
    "cut": "超出当日计分时长上限的部分不计分",
    "cut-short": "当日计分时长所剩不足最低时长，不计分",
    "day-full": "当日计分时长已满，不计分",
    "short": "不足最低服务时长，不计分",
    "provisional": "记录待确认，确认后计分",
    "void": "记录已作废，不计分",
    "provenance": "补录或导入的时长计入服务时长，不计积分",
}
"""Each reason a line may carry, in the words that a volunteer reads."""


class Facts(NamedTuple):
    """What a rule may look at in one record, at its highest revision."""

    record_id: UUID
    revision: int
    day: date
    status: str
    provenance: str
    started_at: datetime
    minutes: int
    planned_minutes: int
    kind: str
    theme: str
    activity_id: UUID | None


class Line(NamedTuple):
    """Why one record is worth what it is worth; ``reason`` is a key of `REASONS`."""

    record_id: UUID
    revision: int
    minutes: int
    counted: int
    per_hour: int
    points: int
    reason: str


class First(NamedTuple):
    """The earliest record that is worth something; ordered by time, then id."""

    started_at: datetime
    record_id: UUID
    day: date


class Award(NamedTuple):
    """The outcome for one bucket: points per last valid day, the explanation, and its earliest earning record."""

    points: dict[date, int]
    lines: tuple[Line, ...]
    first: First | None


class Period(NamedTuple):
    """A bucket's name and the days that it covers, both inclusive."""

    bucket: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Rate:
    """Points per hour in some months of the year, by the name under which volunteers know it."""

    name: str
    months: frozenset[int]
    points_per_hour: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of the earning rule.

    ``expiry_months`` None: points never expire; ``day_cap_minutes`` None: there is no cap.
    """

    version: int
    name: str
    effective_from: date
    provenances: frozenset[str]
    points_per_hour: int
    rates: tuple[Rate, ...]
    minimum_minutes: int
    day_cap_minutes: int | None
    first_service_points: int
    expiry_months: int | None

    def rate(self, day: date) -> int:
        """Points per hour of a day: the first special rate that names its month, else the ordinary one."""
        for special in self.rates:
            if day.month in special.months:
                return special.points_per_hour
        return self.points_per_hour

    def expires_on(self, day: date) -> date:
        """The last day on which points of ``day`` are good."""
        return NEVER if self.expiry_months is None else add_months(day, self.expiry_months)

    def period(self, day: date) -> Period:
        """The bucket that a day falls into. The widest cap of this rule is a day's, so a bucket is a day."""
        return Period(f"day/{day.isoformat()}", day, day)


class Rulebook:
    """All active versions; which one a bucket stands under follows from the first day of its period."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = sorted(rules, key=lambda rule: (rule.effective_from, rule.version))
        if not self.rules:
            raise ValueError("there is no rule in force")
        self._starts = [rule.effective_from for rule in self.rules]
        self._periods: dict[date, tuple[Rule, Period]] = {}

    def at(self, day: date) -> Rule:
        """The version in force on a day; before the first version's start, the first."""
        return self.rules[max(0, bisect_right(self._starts, day) - 1)]

    def version(self, version: int) -> Rule:
        """A version by number. Raises KeyError if there is none."""
        for rule in self.rules:
            if rule.version == version:
                return rule
        raise KeyError(version)

    def bucket(self, day: date) -> tuple[Rule, Period]:
        """The rule and the period that a day's records belong to."""
        found = self._periods.get(day)
        if found is None:
            rule = self.at(day)
            found = self._periods[day] = (rule, rule.period(day))
        return found


def add_months(day: date, months: int) -> date:
    """The same day of the month so many months later, or that month's last day if it is shorter."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def evaluate(rule: Rule, records: Sequence[Facts]) -> Award:
    """What the records of one bucket are worth under a rule.

    Only records that could earn (confirmed, of a provenance that earns, long enough) use up the day's minutes, in the
    order (started_at, record_id); the one that crosses the cap is cut there and must still be long enough.
    """
    if len(records) > 1:
        records = sorted(records, key=_order)
    lines: list[Line] = []
    points: dict[date, int] = {}
    first: First | None = None
    left: dict[date, int] = {}
    for record in records:
        refused = _refusal(rule, record)
        if refused is not None:
            lines.append(Line(record.record_id, record.revision, record.minutes, 0, 0, 0, refused))
            continue
        counted, reason = record.minutes, "counted"
        if rule.day_cap_minutes is not None:
            room = left.get(record.day, rule.day_cap_minutes)
            left[record.day] = max(0, room - counted)
            if counted > room:
                counted = room
                reason = "cut" if room >= rule.minimum_minutes else "cut-short" if room else "day-full"
        per_hour = rule.rate(record.day)
        worth = counted * per_hour // 60 if counted >= rule.minimum_minutes else 0
        lines.append(Line(record.record_id, record.revision, record.minutes, counted, per_hour, worth, reason))
        if worth:
            expiry = rule.expires_on(record.day)
            points[expiry] = points.get(expiry, 0) + worth
            if first is None:
                first = First(record.started_at, record.record_id, record.day)
    return Award(points, tuple(lines), first)


def first_service(rule: Rule, first: First | None) -> dict[date, int]:
    """The bonus for the first service ever, per expiry date."""
    if first is None or rule.first_service_points == 0:
        return {}
    return {rule.expires_on(first.day): rule.first_service_points}


def _order(record: Facts) -> tuple[datetime, bytes]:
    return record.started_at, record.record_id.bytes


def _refusal(rule: Rule, record: Facts) -> str | None:
    if record.status != "confirmed":
        return record.status
    if record.provenance not in rule.provenances:
        return "provenance"
    if record.minutes < rule.minimum_minutes:
        return "short"
    return None
