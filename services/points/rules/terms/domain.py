"""The terms of a rule, and the facts that it may read. Pure; whole points, whole minutes, days of the district."""

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple, Protocol
from uuid import UUID

__all__ = [
    "HOLDS_BACK",
    "LEVELS",
    "NEVER",
    "Approval",
    "Award",
    "BucketSpan",
    "Expiry",
    "Facts",
    "First",
    "Line",
    "Multiplier",
    "Rate",
    "Referral",
    "Rounding",
    "Rule",
    "RuleCap",
    "RuleRecord",
    "When",
    "add_months",
]

NEVER: Final = date.max
HOLDS_BACK: Final = frozenset({"two-sites"})
"""Kinds of cases that hold points back where a rule says nothing of it."""
LEVELS: Final = {"none": 0, "leader": 1, "site": 2, "centre": 3}
"""Levels of approval, each of which includes those below it."""
CapOf = Literal["record", "activity", "approval", "day", "month", "year"]
Within = Literal["day", "month", "year", "life"]


class RuleRecord(Protocol):
    """The facts of one record that a rule may read: `Facts`, or a revision of which points knows nothing but itself."""

    @property
    def record_id(self) -> UUID: ...
    @property
    def revision(self) -> int: ...
    @property
    def day(self) -> date: ...
    @property
    def status(self) -> str: ...
    @property
    def provenance(self) -> str: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def minutes(self) -> int: ...
    @property
    def planned_minutes(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def theme(self) -> str: ...
    @property
    def activity_id(self) -> UUID | None: ...
    @property
    def approval_level(self) -> str: ...
    @property
    def complained(self) -> bool: ...
    @property
    def flags(self) -> frozenset[str]: ...


class Facts(NamedTuple):
    """A record at its highest revision, as far as a rule may read it, and what points itself knows about it.

    ``complained``: there is a complaint about the record or its activity that was not withdrawn. ``flags``: the kinds
    of the cases of integrity that stand about it; which of them matter is the rule's business.
    """

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
    approval_level: str = "none"
    complained: bool = False
    flags: frozenset[str] = frozenset()


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
    """The outcome for one bucket: points per last valid day, the explanation, and its earliest earning record.

    ``notes``: per record what its line cannot say: the special rate, the multiplier, and every cap that cut it.
    """

    points: dict[date, int]
    lines: tuple[Line, ...]
    first: First | None
    notes: dict[str, dict[str, Any]] | None = None

    def explanation(self) -> dict[str, Any]:
        """The explanation as plain data, as it is stored and shown."""
        lines = [(str(line[0]), *line[1:]) for line in self.lines]
        return {"records": lines, "notes": self.notes} if self.notes else {"records": lines}


class Referral(NamedTuple):
    """A referral; ``day`` is when it was recorded."""

    referred_id: UUID
    day: date


class BucketSpan(StrEnum):
    """The period of a rule's buckets: the widest that any of its caps needs."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    ACTIVITY = "activity"
    LIFE = "life"


@dataclass(frozen=True, slots=True)
class When:
    """Which records a special rate or a multiplier is for; what is empty or None asks nothing. Days are inclusive."""

    months: frozenset[int] = frozenset()
    first_day: date | None = None
    last_day: date | None = None
    kinds: frozenset[str] = frozenset()
    themes: frozenset[str] = frozenset()
    provenances: frozenset[str] = frozenset()

    @property
    def only_months(self) -> bool:
        """Whether the month of the year is the only condition."""
        return self == When(months=self.months)

    def fits(self, record: RuleRecord) -> bool:
        """Whether the record is one of these."""
        day = record.day
        return (
            (not self.months or day.month in self.months)
            and (self.first_day is None or self.first_day <= day)
            and (self.last_day is None or day <= self.last_day)
            and (not self.kinds or record.kind in self.kinds)
            and (not self.themes or record.theme in self.themes)
            and (not self.provenances or record.provenance in self.provenances)
        )


@dataclass(frozen=True, slots=True)
class Rate:
    """Points per hour of some records, by the name under which volunteers know it."""

    name: str
    when: When
    points_per_hour: int


@dataclass(frozen=True, slots=True)
class Multiplier:
    """A percentage on the worth of some records."""

    name: str
    when: When
    percent: int


@dataclass(frozen=True, slots=True)
class Rounding:
    """Each full ``every_minutes`` counts as it is; of what is left over, the last step reached says what it counts.

    ``steps``: (from so many minutes, counts as so many), ascending; below the first it counts nothing.
    """

    every_minutes: int
    steps: tuple[tuple[int, int], ...]

    def apply(self, minutes: int) -> int:
        """The minutes that count."""
        full, rest = divmod(minutes, self.every_minutes)
        counted = 0
        for start, worth in self.steps:
            if rest >= start:
                counted = worth
        return full * self.every_minutes + counted


@dataclass(frozen=True, slots=True)
class RuleCap:
    """At most ``limit`` minutes or points of one record, activity, day, month or year.

    ``approval`` holds the place of the rule's approvals among the caps and has no limit of its own. ``within`` matters
    to an activity's cap: how far it looks, within each day, month, year, or over all time.
    """

    of: CapOf
    limit: int
    within: Within = "life"


@dataclass(frozen=True, slots=True)
class Approval:
    """The minutes of a day above so many count only in records approved at this level or a higher one."""

    above_minutes: int
    level: str


@dataclass(frozen=True, slots=True)
class Expiry:
    """The expiry of points.

    ``months`` after the record's day, or the next ``fixed_day`` (month, day) of a year
    on or after it, ``years`` later; with neither they never expire.
    """

    months: int | None = None
    fixed_day: tuple[int, int] | None = None
    years: int = 0

    def last_day(self, day: date) -> date:
        """The last day on which points of ``day`` are good."""
        if self.months is not None:
            return add_months(day, self.months)
        if self.fixed_day is None:
            return NEVER
        found = date(day.year + self.years, *self.fixed_day)
        return found if self.fixed_day >= (day.month, day.day) else found.replace(year=found.year + 1)


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of the earning rule. Caps are in the order in which they apply.

    ``plain``: only months' rates, a least time and a day's minutes, for which there is a short way. ``holds_back``: the
    kinds of cases whose records count nothing until a person has cleared them.
    """

    version: int
    name: str
    effective_from: date
    provenances: frozenset[str]
    points_per_hour: int
    rates: tuple[Rate, ...] = ()
    minimum_minutes: int = 1
    minimum_percent: int = 0
    rounding: Rounding | None = None
    multipliers: tuple[Multiplier, ...] = ()
    minute_caps: tuple[RuleCap, ...] = ()
    point_caps: tuple[RuleCap, ...] = ()
    approvals: tuple[Approval, ...] = ()
    records_per_activity_day: int | None = None
    complaint_percent: int = 100
    first_service_points: int = 0
    referral_points: int = 0
    balance_cap: int | None = None
    redemptions_per_quarter: int | None = None
    expiry: Expiry = Expiry()
    holds_back: frozenset[str] = HOLDS_BACK
    plain: bool = field(init=False)
    day_cap_minutes: int | None = field(init=False)
    month_rates: tuple[int, ...] = field(init=False)
    span: BucketSpan = field(init=False)

    def __post_init__(self) -> None:
        """Work out what is asked again and again."""
        day_caps = [cap.limit for cap in self.minute_caps if cap.of == "day"]
        plain = (
            all(rate.when.only_months and rate.when.months for rate in self.rates)
            and all(cap.of == "day" for cap in self.minute_caps)
            and not (self.minimum_percent or self.rounding or self.multipliers or self.point_caps or self.approvals)
            and self.records_per_activity_day is None
            and self.complaint_percent == 100
        )
        object.__setattr__(self, "plain", plain)
        object.__setattr__(self, "day_cap_minutes", day_caps[0] if day_caps else None)
        object.__setattr__(self, "span", self._widest())
        by_month = [[rate.points_per_hour for rate in self.rates if month in rate.when.months] for month in range(13)]
        object.__setattr__(self, "month_rates", tuple([*rates, self.points_per_hour][0] for rates in by_month))

    def _widest(self) -> BucketSpan:
        caps = self.minute_caps + self.point_caps
        spans = {cap.within if cap.of == "activity" else cap.of for cap in caps} - {"record", "approval"}
        if self.approvals:
            spans.add("day")
        if spans == {"life"}:
            return BucketSpan.ACTIVITY
        for wide in (BucketSpan.LIFE, BucketSpan.YEAR, BucketSpan.MONTH):
            if wide in spans:
                return wide
        return BucketSpan.DAY

    def rate(self, day: date) -> int:
        """Points per hour of a day: the first special rate that names its month, else the ordinary one."""
        return self.month_rates[day.month]

    def expires_on(self, day: date) -> date:
        """The last day on which points of ``day`` are good."""
        return self.expiry.last_day(day)


@lru_cache(maxsize=10_000)
def add_months(day: date, months: int) -> date:
    """The same day of the month so many months later, or that month's last day if it is shorter."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
