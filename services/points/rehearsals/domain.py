"""Compares one volunteer's service under the rules in force and with a draft among them. Pure; whole points.

Counted are the buckets that records feed, the bonus for the first service, and the bonuses for people brought in: what
a change of rules may move. Adjustments are a person's decision and no rule's; the highest balance and its donations are
about what is kept, not about what is earned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from services.points.rules.domain import (
    FIRST_SERVICE,
    REFERRAL,
    Award,
    BucketPeriod,
    BucketSpan,
    Facts,
    First,
    Referral,
    Rule,
    Rulebook,
    first_service,
    referral,
)
from services.points.rules.valuation.domain import value

__all__ = [
    "Appraisal",
    "Appraised",
    "Budget",
    "Comparison",
    "Pair",
    "RehearsalResult",
    "Summary",
    "add_budget",
]

Budget = dict[tuple[UUID | None, date], tuple[int, int]]
"""By site and first day of the month: points before and after. The site is that of the record; a bonus for the first
service belongs where that service was, a referral bonus to no site."""

_BOTH, _BEFORE, _AFTER = 0, 1, 2


class Pair(NamedTuple):
    """The buckets that a day's record falls into under both rulebooks; ``same`` if one evaluation serves both.

    ``daily``: under both a bucket is a day, and so all of a volunteer's records of the day are in the same.
    """

    rule: Rule
    period: BucketPeriod
    rule_after: Rule
    period_after: BucketPeriod
    same: bool
    daily: bool


class Comparison:
    """The rules in force, and the same with a draft from the day on which it would be effective.

    ``as_if_from``: with the draft alone from this day on, as if it and nothing later had come into force.
    """

    def __init__(self, in_force: Sequence[Rule], draft: Rule, as_if_from: date | None = None) -> None:
        self.before = Rulebook(in_force)
        if as_if_from is None:
            self.after = Rulebook([*in_force, draft])
        else:
            earlier = [rule for rule in in_force if rule.effective_from < as_if_from]
            self.after = Rulebook([*earlier, replace(draft, effective_from=as_if_from)])
        self.heeds_complaints = self.before.heeds_complaints or self.after.heeds_complaints
        self._days: dict[date, Pair] = {}

    def at(self, day: date, activity_id: UUID | None) -> Pair:
        """Where a record of the day and the activity belongs."""
        found = self._days.get(day)
        if found is None:
            before, after = self.before.bucket(day, activity_id), self.after.bucket(day, activity_id)
            same = before[0] is after[0] and before[1] == after[1]
            spans = {before[0].span, after[0].span}
            found = Pair(*before, *after, same, spans == {BucketSpan.DAY})
            if BucketSpan.ACTIVITY not in spans:
                self._days[day] = found
        return found


class Appraised(NamedTuple):
    """One volunteer's outcome; the budget's sums are ``before`` and ``after``."""

    records: int
    before: int
    after: int
    budget: Budget


class _Open:
    """A bucket that may still get records. ``side`` says under which rulebook it is one."""

    __slots__ = ("facts", "last", "rule", "side", "sites")

    def __init__(self, rule: Rule, last: date, side: int) -> None:
        self.rule = rule
        self.last = last
        self.side = side
        self.facts: list[Facts] = []
        self.sites: list[UUID | None] = []


class Appraisal:
    """One volunteer's facts, handed in by ascending day; buckets whose period is over are not kept.

    ``stands``: versions under which buckets stand, by name, where these are other than the day says.
    """

    __slots__ = (
        "_budget",
        "_comparison",
        "_daily",
        "_day",
        "_facts",
        "_firsts",
        "_open",
        "_sites",
        "_stands",
        "_until",
        "after",
        "before",
        "records",
    )

    def __init__(self, comparison: Comparison, stands: Mapping[str, Rule] | None = None) -> None:
        self._comparison = comparison
        self._stands: Mapping[str, Rule] = stands or {}
        self._open: dict[tuple[int, str], _Open] = {}
        self._until = date.max
        self._day: date | None = None
        self._daily: Pair | None = None
        self._facts: list[Facts] = []
        self._sites: list[UUID | None] = []
        self._firsts: list[tuple[First, UUID | None] | None] = [None, None]
        self._budget: dict[tuple[UUID | None, date], list[int]] = {}
        self.records = 0
        self.before = 0
        self.after = 0

    def take(self, found: Facts, site_id: UUID | None) -> None:
        """One record, of a day not before those taken so far."""
        self.records += 1
        day = found.day
        if day != self._day:
            self._turn(day)
            pair = self._comparison.at(day, found.activity_id)
            self._daily = pair if pair.daily else None
        if self._daily is not None:
            self._facts.append(found)
            self._sites.append(site_id)
            return
        rule, period, rule_after, period_after, same, _ = self._comparison.at(day, found.activity_id)
        if same:
            self._put(_BOTH, rule, period, found, site_id)
        else:
            self._put(_BEFORE, rule, period, found, site_id)
            self._put(_AFTER, rule_after, period_after, found, site_id)

    def refer(self, brought: Referral) -> None:
        """Add a volunteer whom this one referred."""
        before, after = self._comparison.before.at(brought.day), self._comparison.after.at(brought.day)
        stood = self._stands.get(f"{REFERRAL}{brought.referred_id}", before)
        if after is before:
            after = stood
        worth = (sum(referral(stood, brought).values()), sum(referral(after, brought).values()))
        self._add(None, brought.day, *worth)

    def close(self) -> Appraised:
        """Everything was handed in."""
        self._turn(date.max)
        for bucket in self._open.values():
            self._evaluate(bucket)
        self._open.clear()
        self._bonus()
        budget: Budget = {key: (worth[0], worth[1]) for key, worth in self._budget.items() if worth[0] or worth[1]}
        return Appraised(self.records, self.before, self.after, budget)

    def _put(self, side: int, rule: Rule, period: BucketPeriod, found: Facts, site_id: UUID | None) -> None:
        key = (side, period.bucket)
        bucket = self._open.get(key)
        if bucket is None:
            if self._stands and side != _AFTER:
                rule = self._stands.get(period.bucket, rule)
            bucket = self._open[key] = _Open(rule, period.last, side)
            self._until = min(self._until, period.last)
        bucket.facts.append(found)
        bucket.sites.append(site_id)

    def _turn(self, day: date) -> None:
        """Another day begins: work out the day that is over, and the buckets whose last day is."""
        pair, self._day = self._daily, day
        if pair is not None:
            facts, sites = self._facts, self._sites
            rule = self._stands.get(pair.period.bucket, pair.rule) if self._stands else pair.rule
            before = value(rule, facts)
            self._count(facts, sites, before, before if pair.same else value(pair.rule_after, facts))
            self._facts, self._sites, self._daily = [], [], None
        if day > self._until:
            self._settle(day)

    def _settle(self, day: date) -> None:
        over = [key for key, bucket in self._open.items() if bucket.last < day]
        for key in over:
            self._evaluate(self._open.pop(key))
        self._until = min((bucket.last for bucket in self._open.values()), default=date.max)

    def _evaluate(self, bucket: _Open) -> None:
        award = value(bucket.rule, bucket.facts)
        if bucket.side == _BOTH:
            self._count(bucket.facts, bucket.sites, award, award)
        elif bucket.side == _BEFORE:
            self._count(bucket.facts, bucket.sites, award, _NOTHING)
        else:
            self._count(bucket.facts, bucket.sites, _NOTHING, award)

    def _count(self, facts: list[Facts], sites: list[UUID | None], before: Award, after: Award) -> None:
        """Add what the records of a bucket are worth to the budget, and look for the first service."""
        if before.first is None and after.first is None:
            return
        if len(facts) == 1:
            worth = before.lines[0].points if before.lines else 0
            worth_after = after.lines[0].points if after.lines else 0
            self._add(sites[0], facts[0].day, worth, worth_after)
        else:
            places = {found.record_id: (site, found.day) for found, site in zip(facts, sites, strict=True)}
            for line in before.lines:
                if line.points:
                    self._add(*places[line.record_id], line.points, 0)
            for line in after.lines:
                if line.points:
                    self._add(*places[line.record_id], 0, line.points)
        for number, first in ((0, before.first), (1, after.first)):
            if first is not None:
                present = self._firsts[number]
                if present is None or first < present[0]:
                    self._firsts[number] = (first, _site(first, facts, sites))

    def _bonus(self) -> None:
        """The bonus for the first service, which may be another service under the draft."""
        before, after = self._firsts
        if before is not None:
            rule = self._stands.get(FIRST_SERVICE, self._comparison.before.at(before[0].day))
            self._add(before[1], before[0].day, sum(first_service(rule, before[0]).values()), 0)
        if after is not None:
            day = after[0].day
            rule = self._comparison.after.at(day)
            if before == after and rule is self._comparison.before.at(day):
                rule = self._stands.get(FIRST_SERVICE, rule)
            self._add(after[1], day, 0, sum(first_service(rule, after[0]).values()))

    def _add(self, site_id: UUID | None, day: date, before: int, after: int) -> None:
        self.before += before
        self.after += after
        key = (site_id, _month(day))
        worth = self._budget.get(key)
        if worth is None:
            self._budget[key] = [before, after]
        else:
            worth[0] += before
            worth[1] += after


def _site(first: First, facts: Iterable[Facts], sites: Iterable[UUID | None]) -> UUID | None:
    return next(site for found, site in zip(facts, sites, strict=True) if found.record_id == first.record_id)


_NOTHING: Final = Award({}, (), None)
_months: dict[int, date] = {}


def _month(day: date) -> date:
    """The month's first day; the same few objects again and again."""
    number = day.year * 12 + day.month
    found = _months.get(number)
    if found is None:
        found = _months[number] = day.replace(day=1)
    return found


def add_budget(total: Budget, part: Mapping[tuple[UUID | None, date], tuple[int, int]]) -> None:
    """Add a part to a total, in place."""
    for key, (before, after) in part.items():
        present = total.get(key)
        total[key] = (before, after) if present is None else (present[0] + before, present[1] + after)


class RehearsalResult(NamedTuple):
    """One volunteer's line of the result."""

    volunteer_id: UUID
    records: int
    before: int
    after: int

    @property
    def difference(self) -> int:
        return self.after - self.before


_NO_VOLUNTEER: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Summary:
    """The totals of any number of volunteers; ``lost`` and ``largest_loss`` are negative or 0.

    Of several who gain or lose as much, ``largest_…_of`` is the one with the lowest id; None if there is none.
    """

    volunteers: int = 0
    records: int = 0
    before: int = 0
    after: int = 0
    winners: int = 0
    losers: int = 0
    gained: int = 0
    lost: int = 0
    largest_gain: int = 0
    largest_gain_of: UUID | None = None
    largest_loss: int = 0
    largest_loss_of: UUID | None = None

    @property
    def difference(self) -> int:
        return self.after - self.before

    @property
    def unchanged(self) -> int:
        return self.volunteers - self.winners - self.losers

    @classmethod
    def of(cls, results: Iterable[RehearsalResult]) -> Summary:
        """The totals of some volunteers."""
        found = list(results)
        gains = [result for result in found if result.after > result.before]
        losses = [result for result in found if result.after < result.before]
        gain = min(gains, key=lambda result: (-result.difference, result.volunteer_id.bytes), default=None)
        loss = min(losses, key=lambda result: (result.difference, result.volunteer_id.bytes), default=None)
        return cls(
            volunteers=len(found),
            records=sum(result.records for result in found),
            before=sum(result.before for result in found),
            after=sum(result.after for result in found),
            winners=len(gains),
            losers=len(losses),
            gained=sum(result.difference for result in gains),
            lost=sum(result.difference for result in losses),
            largest_gain=0 if gain is None else gain.difference,
            largest_gain_of=None if gain is None else gain.volunteer_id,
            largest_loss=0 if loss is None else loss.difference,
            largest_loss_of=None if loss is None else loss.volunteer_id,
        )

    def plus(self, other: Summary) -> Summary:
        """The totals of both; in whatever order, the same."""
        gain = min((self, other), key=lambda one: (-one.largest_gain, (one.largest_gain_of or _NO_VOLUNTEER).bytes))
        loss = min((self, other), key=lambda one: (one.largest_loss, (one.largest_loss_of or _NO_VOLUNTEER).bytes))
        return Summary(
            volunteers=self.volunteers + other.volunteers,
            records=self.records + other.records,
            before=self.before + other.before,
            after=self.after + other.after,
            winners=self.winners + other.winners,
            losers=self.losers + other.losers,
            gained=self.gained + other.gained,
            lost=self.lost + other.lost,
            largest_gain=gain.largest_gain,
            largest_gain_of=gain.largest_gain_of,
            largest_loss=loss.largest_loss,
            largest_loss_of=loss.largest_loss_of,
        )
