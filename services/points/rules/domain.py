"""Selects the rule of a day's service, and which bucket it falls into.

A bucket is one volunteer and one period; what it is worth is worked out in ``worth``, from a rule as ``terms`` has it.
"""

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from services.points.rules.terms.domain import (
    NEVER,
    Award,
    BucketSpan,
    Facts,
    First,
    Line,
    Rate,
    Referral,
    Rule,
    RuleRecord,
    add_months,
)
from services.points.rules.worth.domain import REASONS, first_service, referral

__all__ = [
    "FIRST_SERVICE",
    "NEVER",
    "REASONS",
    "REFERRAL",
    "Award",
    "BucketPeriod",
    "BucketSpan",
    "Facts",
    "First",
    "Line",
    "Rate",
    "Referral",
    "Rule",
    "RuleRecord",
    "Rulebook",
    "add_months",
    "first_service",
    "referral",
]

FIRST_SERVICE: Final = "life/first-service"
REFERRAL: Final = "life/referral/"
"""What the buckets of referral bonuses begin with; the rest is who was brought in."""


class BucketPeriod(NamedTuple):
    """A bucket's name and the days that it covers, both inclusive; ``activity_id`` if it covers one activity only."""

    bucket: str
    first: date
    last: date
    activity_id: UUID | None = None


class _Segment(NamedTuple):
    """The days on which a version is in force. The first version has been in force forever."""

    rule: Rule
    first: date
    last: date

    def period(self, day: date, activity_id: UUID | None) -> BucketPeriod:
        """The bucket that a day's record falls into.

        The start of a version is a boundary of every cap, a bucket
        that begins there instead of at the beginning of its period says so in its name.
        """
        span = self.rule.span
        if span == BucketSpan.DAY or (span == BucketSpan.ACTIVITY and activity_id is None):
            return BucketPeriod(f"day/{day.isoformat()}", day, day)
        first, last = date.min, date.max
        if span == BucketSpan.MONTH:
            name, first = f"month/{day.isoformat()[:7]}", day.replace(day=1)
            last = day.replace(day=monthrange(day.year, day.month)[1])
        elif span == BucketSpan.YEAR:
            name, first, last = f"year/{day.isoformat()[:4]}", date(day.year, 1, 1), date(day.year, 12, 31)
        else:
            name = f"activity/{activity_id}" if span == BucketSpan.ACTIVITY else "life/records"
        if self.first > first:
            name = f"{name}/from-{self.first.isoformat()}"
        limited = activity_id if span == BucketSpan.ACTIVITY else None
        return BucketPeriod(name, max(first, self.first), min(last, self.last), limited)


class Rulebook:
    """All active versions; a bucket's version follows from the first day of its period."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = sorted(rules, key=lambda rule: (rule.effective_from, rule.version))
        if not self.rules:
            raise ValueError("there is no rule in force")
        self._starts = [rule.effective_from for rule in self.rules]
        self._earliest = bisect_right(self._starts, self._starts[0]) - 1
        self._periods: dict[date, tuple[Rule, BucketPeriod]] = {}
        self.heeds_complaints = any(rule.complaint_percent != 100 for rule in self.rules)

    def at(self, day: date) -> Rule:
        """The version in force on a day; before the first version's start, the first."""
        return self.rules[self._place(day)]

    def version(self, version: int) -> Rule:
        """A version by number. Raises KeyError if there is none."""
        for rule in self.rules:
            if rule.version == version:
                return rule
        raise KeyError(version)

    def bucket(self, day: date, activity_id: UUID | None = None) -> tuple[Rule, BucketPeriod]:
        """The rule and the period that a record of a day and an activity belongs to."""
        found = self._periods.get(day)
        if found is None:
            segment = self._segment(day)
            found = (segment.rule, segment.period(day, activity_id))
            if segment.rule.span != BucketSpan.ACTIVITY:
                self._periods[day] = found
        return found

    def stretch(self, day: date) -> tuple[int, date, date]:
        """The version in force on a day, and the first and the last day of the time that it is in force around it."""
        segment = self._segment(day)
        return segment.rule.version, segment.first, segment.last

    def _place(self, day: date) -> int:
        return max(self._earliest, bisect_right(self._starts, day) - 1)

    def _segment(self, day: date) -> _Segment:
        place = self._place(day)
        first = date.min if self._starts[place] == self._starts[0] else self._starts[place]
        following = bisect_right(self._starts, self._starts[place])
        last = self._starts[following] - timedelta(days=1) if following < len(self._starts) else date.max
        return _Segment(self.rules[place], first, last)
