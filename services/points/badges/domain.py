"""Badges and stars: what earns them under a version of the criteria, and the figures that this is judged by. Pure.

A criterion reads one figure (its meter): minutes, records, different themes or sites, or weeks in a row, of the
confirmed records that pass its filters, over a lifetime or per calendar year. Figures are kept as increments, so that a
busy volunteer costs no more than another; `Criteria.tally` computes the same from all records, for proof and repair.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal, NamedTuple

from services.points.badges.figures.domain import (
    CREDIT,
    HONOUR,
    IMPORTED,
    Between,
    Group,
    Measure,
    Meter,
    Served,
    Service,
    States,
    Window,
    week_of,
)
from services.points.rules.hours.domain import Lifetime

__all__ = [
    "CREDIT",
    "HONOUR",
    "IMPORTED",
    "BadgeProgress",
    "Between",
    "Criteria",
    "Criterion",
    "Group",
    "Measure",
    "Meter",
    "Served",
    "Service",
    "States",
    "Window",
    "changes",
]

_CACHED: Final = 100_000


@dataclass(frozen=True, slots=True)
class Criterion:
    """One badge and the figure that earns it; in the window 'year' it is one badge for each year."""

    badge: str
    name: str
    measure: Measure
    groups: tuple[Group, ...]
    at_least: int
    star: int | None = None
    window: Window = "lifetime"
    themes: frozenset[str] | None = None
    sites: frozenset[str] | None = None
    between: Between | None = None

    @property
    def meter(self) -> Meter:
        """The figure that this criterion reads."""
        return Meter(self.measure, self.groups, self.window, self.themes, self.sites, self.between)

    def code(self, instance: str) -> str:
        """The badge as it is awarded: with its year where there is one for each."""
        return f"{self.badge}-{instance}" if instance else self.badge

    def title(self, instance: str) -> str:
        """Its name as it is awarded."""
        return f"{instance}年度{self.name}" if instance else self.name

    def sentence(self) -> str:
        """The sentence that says how the badge is earned."""
        scope = "一个自然年内" if self.window == "year" else ""
        if self.between is not None:
            first, last = self.between
            scope += f"{first[0]}月{first[1]}日至{last[0]}月{last[1]}日"
        if self.themes is not None:
            scope += "参加" + "、".join(f"“{theme}”" for theme in sorted(self.themes))
        if self.sites is not None:
            scope += "在指定阵地"
        if self.measure == "minutes":
            return f"{scope or '累计'}服务满 {self.at_least // 60} 小时"
        if self.measure == "records":
            return f"{scope}完成 {self.at_least} 次服务"
        if self.measure == "weeks":
            return f"{scope}连续 {self.at_least} 周都有服务"
        return f"{scope}服务过 {self.at_least} 个不同的{'主题' if self.measure == 'themes' else '阵地'}"


class BadgeProgress(NamedTuple):
    """How far a volunteer is towards one badge; ``badge`` and ``name`` are as it would be awarded."""

    criterion: Criterion
    badge: str
    name: str
    value: int

    @property
    def remaining(self) -> int:
        return max(0, self.criterion.at_least - self.value)


class _Judged(NamedTuple):
    """A figure with all that is judged by it; ``steps`` are the thresholds, sorted."""

    meter: Meter
    items: tuple[Criterion, ...]
    steps: tuple[int, ...]


class _Candidate(NamedTuple):
    """A figure that records of a provenance and a theme count towards, on the days that it names.

    ``thing``: the distinct thing that each such record is, where it is no week.
    """

    place: int
    one: _Judged
    yearly: bool
    weekly: bool
    by_site: bool
    thing: str | None


_Match = tuple[int, str, Meter, tuple[int, ...], bool, str | None]
"""A figure that a record counts towards: its place, instance, meter and thresholds, whether the site matters, and the
distinct thing that each such record is."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """One version of all criteria, and the figures that it keeps."""

    version: int
    name: str
    effective_from: date
    items: tuple[Criterion, ...]
    meters: tuple[Meter, ...] = field(init=False, repr=False, compare=False)
    _plain: tuple[_Judged, ...] = field(init=False, repr=False, compare=False)
    _kept: tuple[_Judged, ...] = field(init=False, repr=False, compare=False)
    _crossings: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = field(init=False, repr=False, compare=False)
    _by_badge: dict[str, Criterion] = field(init=False, repr=False, compare=False)
    _found: dict[tuple[date, str, str], tuple[_Match, ...]] = field(init=False, repr=False, compare=False)
    _candidates: dict[tuple[str, str], tuple[_Candidate, ...]] = field(init=False, repr=False, compare=False)
    _admitting: dict[tuple[date, str, str], tuple[tuple[int, str, Meter], ...]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        judged: dict[Meter, list[Criterion]] = {}
        for item in self.items:
            judged.setdefault(item.meter, []).append(item)
        every = [
            _Judged(meter, tuple(items), tuple(sorted(item.at_least for item in items)))
            for meter, items in judged.items()
        ]
        kept = tuple(one for one in every if not one.meter.plain)
        object.__setattr__(self, "meters", tuple(one.meter for one in kept))
        object.__setattr__(self, "_plain", tuple(one for one in every if one.meter.plain))
        object.__setattr__(self, "_kept", kept)
        crossings = tuple((one.meter.places(), one.steps) for one in self._plain)
        object.__setattr__(self, "_crossings", crossings)
        object.__setattr__(self, "_by_badge", {item.badge: item for item in self.items})
        object.__setattr__(self, "_found", {})
        object.__setattr__(self, "_candidates", {})
        object.__setattr__(self, "_admitting", {})

    def blank(self) -> States:
        """The figures of a volunteer without service."""
        return [{} for _ in self.meters]

    def count(self, states: States, service: Service, sign: Literal[1, -1]) -> bool:
        """Add or take away a confirmed record; returns whether a figure passed a criterion's threshold."""
        key = (service.day, service.provenance, service.theme)
        matches = self._found.get(key)
        if matches is None:
            matches = self._match(*key)
        crossed = False
        for place, instance, meter, steps, by_site, thing in matches:
            if thing is not None and sign == 1:
                things = states[place].get(instance)
                if things is not None and things.get(thing, 0) > 0:  # the same once more: no figure changes
                    things[thing] += 1
                    continue
            if by_site and not meter.admits_site(service.site_id):
                continue
            before, after = meter.count(states[place], instance, service, sign)
            if before != after and bisect_right(steps, before) != bisect_right(steps, after):
                crossed = True
        return crossed

    def _match(self, day: date, provenance: str, theme: str) -> tuple[_Match, ...]:
        """The meters that such a record runs through, and in which instance; remembered, as most records are alike."""
        candidates = self._candidates.get((provenance, theme))
        if candidates is None:
            candidates = self._admit(provenance, theme)
        if len(self._found) >= _CACHED:
            self._found.clear()
        year, month_day, week = str(day.year), (day.month, day.day), week_of(day)
        found = self._found[day, provenance, theme] = tuple(
            [
                (place, year if yearly else "", one.meter, one.steps, by_site, week if weekly else thing)
                for place, one, yearly, weekly, by_site, thing in candidates
                if one.meter.between is None or one.meter.between.first <= month_day <= one.meter.between.last
            ]
        )
        return found

    def _admit(self, provenance: str, theme: str) -> tuple[_Candidate, ...]:
        """The meters that such records run through, whatever their day: each day asks for them anew."""
        if len(self._candidates) >= _CACHED:
            self._candidates.clear()
        found = self._candidates[provenance, theme] = tuple(
            _Candidate(
                place,
                one,
                one.meter.window == "year",
                one.meter.measure == "weeks" and one.meter.sites is None,
                one.meter.by_site,
                theme if one.meter.measure == "themes" and one.meter.sites is None else None,
            )
            for place, one in enumerate(self._kept)
            if one.meter.admits_on_some_day(provenance, theme)
        )
        return found

    def crossed(self, before: Lifetime, after: Lifetime) -> bool:
        """Whether a lifetime figure passed a criterion's threshold."""
        for places, steps in self._crossings:
            was = now = 0
            for place in places:
                was += before[place]
                now += after[place]
            if was != now and bisect_right(steps, was) != bisect_right(steps, now):
                return True
        return False

    def tally(self, services: Iterable[Service]) -> States:
        """All figures from all confirmed records, without increments."""
        groups: list[dict[str, list[Service]]] = [{} for _ in self.meters]
        for one in services:
            key = (one.day, one.provenance, one.theme)
            admitting = self._admitting.get(key)
            if admitting is None:
                admitting = self._ask_meters(*key)
            for place, instance, meter in admitting:
                if meter.admits_site(one.site_id):
                    groups[place].setdefault(instance, []).append(one)
        states = self.blank()
        for meter, state, found in zip(self.meters, states, groups, strict=True):
            for instance, members in found.items():
                if value := meter.tally(members):
                    state[instance] = value
        return states

    def _ask_meters(self, day: date, provenance: str, theme: str) -> tuple[tuple[int, str, Meter], ...]:
        """The meters that admit such a record, by their own word: a proof shares no short way with `count`."""
        if len(self._admitting) >= _CACHED:
            self._admitting.clear()
        found = self._admitting[day, provenance, theme] = tuple(
            (place, meter.instance(day), meter)
            for place, meter in enumerate(self.meters)
            if meter.admits(day, provenance, theme)
        )
        return found

    def earned(self, lifetime: Lifetime, states: States | None = None) -> tuple[str, ...]:
        """The badges that the figures earn, sorted."""
        found = []
        for meter, items, steps in self._plain:
            value = meter.of_lifetime(lifetime)
            if value >= steps[0]:
                found += [item.badge for item in items if value >= item.at_least]
        for (meter, items, steps), state in zip(self._kept, states or (), strict=states is not None):
            for instance, kept in state.items():
                value = meter.figure(kept)
                if value >= steps[0]:
                    found += [item.code(instance) for item in items if value >= item.at_least]
        return tuple(sorted(found))

    def value(self, item: Criterion, lifetime: Lifetime, states: States, instance: str) -> int:
        """The figure that a criterion reads."""
        meter = item.meter
        if meter.plain:
            return meter.of_lifetime(lifetime)
        kept = states[self.meters.index(meter)].get(instance)
        return 0 if kept is None else meter.figure(kept)

    def find(self, badge: str) -> tuple[Criterion, str] | None:
        """The criterion and the instance of an awarded badge."""
        item = self._by_badge.get(badge)
        if item is not None:
            return (item, "") if item.window == "lifetime" else None
        base, _, year = badge.rpartition("-")
        item = self._by_badge.get(base)
        return (item, year) if item is not None and item.window == "year" and year.isdecimal() else None

    def progress(self, lifetime: Lifetime, states: States, year: int) -> list[BadgeProgress]:
        """The progress towards each badge; those for a year, towards that year's."""
        found = []
        for item in self.items:
            instance = str(year) if item.window == "year" else ""
            value = self.value(item, lifetime, states, instance)
            found.append(BadgeProgress(item, item.code(instance), item.title(instance), value))
        return found

    def star(self, badges: Iterable[str]) -> int:
        """The highest star among badges; 0 without one."""
        held = set(badges)
        return max((item.star for item in self.items if item.star is not None and item.badge in held), default=0)

    def next_star(self, lifetime: Lifetime) -> tuple[Criterion, int] | None:
        """The next star and how many minutes are missing; None when all are earned."""
        missing = [
            (item.at_least, item)
            for item in self.items
            if item.star is not None and item.meter.of_lifetime(lifetime) < item.at_least
        ]
        if not missing:
            return None
        item = min(missing, key=lambda pair: pair[0])[1]
        return item, item.at_least - item.meter.of_lifetime(lifetime)


def changes(held: Sequence[str], earned: Sequence[str]) -> tuple[list[str], list[str]]:
    """Badges to award and badges to revoke, each sorted."""
    return sorted(set(earned) - set(held)), sorted(set(held) - set(earned))
