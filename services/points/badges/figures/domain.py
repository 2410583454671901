"""The figures that badges are judged by: what is counted of which records, in which window, and how. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, NamedTuple, Protocol
from uuid import UUID

from services.points.rules.hours.domain import PROVENANCE_GROUPS, Lifetime

__all__ = [
    "CREDIT",
    "HONOUR",
    "IMPORTED",
    "Between",
    "Group",
    "Measure",
    "Meter",
    "Served",
    "Service",
    "States",
    "Window",
    "week_of",
]

Group = Literal["credit", "honour", "imported"]
Measure = Literal["minutes", "records", "themes", "sites", "weeks"]
Window = Literal["lifetime", "year"]
CREDIT: Final = "credit"
HONOUR: Final = "honour"
IMPORTED: Final = "imported"

_GROUP_INDEX: Final = {CREDIT: 0, HONOUR: 1, IMPORTED: 2}
_BEST: Final = "best"

States = list[dict[str, Any]]
"""Per meter of a version: instance ('' or a year) → number, or → {theme, site or week: records}. Weeks carry their
longest run as 'best'. Nothing is kept of what is zero, so that equal figures are equal states."""


class Service(Protocol):
    """The fields of one confirmed record that criteria may read."""

    @property
    def day(self) -> date: ...
    @property
    def provenance(self) -> str: ...
    @property
    def minutes(self) -> int: ...
    @property
    def theme(self) -> str: ...
    @property
    def site_id(self) -> UUID | None: ...


class Served(NamedTuple):
    """A confirmed record, as far as criteria read it."""

    day: date
    provenance: str
    minutes: int
    theme: str
    site_id: UUID | None


class Between(NamedTuple):
    """Days of every year from (month, day) to (month, day), both inclusive."""

    first: tuple[int, int]
    last: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Meter:
    """One figure per volunteer and instance of the window; a filter that is None lets everything pass."""

    measure: Measure
    groups: tuple[Group, ...]
    window: Window = "lifetime"
    themes: frozenset[str] | None = None
    sites: frozenset[str] | None = None
    between: Between | None = None

    @property
    def plain(self) -> bool:
        """Whether the lifetime figures alone suffice."""
        unfiltered = self.themes is None and self.sites is None and self.between is None
        return self.window == "lifetime" and unfiltered and self.measure in ("minutes", "records")

    @property
    def by_site(self) -> bool:
        """Whether a record's site matters."""
        return self.sites is not None or self.measure == "sites"

    def of_lifetime(self, lifetime: Lifetime) -> int:
        """The figure of a plain meter."""
        return sum([lifetime[place] for place in self.places()])

    def places(self) -> tuple[int, ...]:
        """The members of `Lifetime` that a plain meter adds up."""
        offset = 0 if self.measure == "minutes" else 3
        return tuple(offset + _GROUP_INDEX[group] for group in self.groups)

    def instance(self, day: date) -> str:
        """The window that a day lies in."""
        return str(day.year) if self.window == "year" else ""

    def admits_on_some_day(self, provenance: str, theme: str) -> bool:
        """Whether a record passes all filters but those of day and site."""
        if PROVENANCE_GROUPS[provenance] not in (_GROUP_INDEX[group] for group in self.groups):
            return False
        return self.themes is None or theme in self.themes

    def admits(self, day: date, provenance: str, theme: str) -> bool:
        """Whether a record passes all filters but the site's."""
        if not self.admits_on_some_day(provenance, theme):
            return False
        return self.between is None or self.between.first <= (day.month, day.day) <= self.between.last

    def admits_site(self, site_id: UUID | None) -> bool:
        """Whether a record passes the site's filter; a record without a site is at none."""
        if self.measure == "sites" and site_id is None:
            return False
        return self.sites is None or str(site_id) in self.sites

    def thing(self, service: Service) -> str:
        """The distinct thing that is counted, where distinct things are counted."""
        if self.measure == "themes":
            return service.theme
        return str(service.site_id) if self.measure == "sites" else week_of(service.day)

    def count(self, state: dict[str, Any], instance: str, service: Service, sign: int) -> tuple[int, int]:
        """Add or take away a record that was admitted; returns the figure before and after."""
        measure = self.measure
        if measure == "weeks":
            return _count_week(state, instance, (service.day.toordinal() - 1) // 7, sign)
        if measure == "minutes" or measure == "records":
            before: int = state.get(instance, 0)
            after = before + sign * (service.minutes if measure == "minutes" else 1)
            if after:
                state[instance] = after
            else:
                state.pop(instance, None)
            return before, after
        return _count_thing(state, instance, self.thing(service), sign)

    def tally(self, services: Sequence[Service]) -> Any:
        """The sum of all admitted records of one instance, without increments; nothing where it is zero."""
        if self.measure == "minutes":
            return sum(one.minutes for one in services)
        if self.measure == "records":
            return len(services)
        things: dict[str, int] = dict(Counter(self.thing(one) for one in services))
        if self.measure == "weeks":
            things[_BEST] = _longest(map(int, things))
        return things

    def figure(self, value: Any) -> int:
        """The number that a criterion compares, of what is kept for one instance."""
        if self.measure == "weeks":
            return int(value[_BEST])
        return len(value) if isinstance(value, dict) else int(value)


def week_of(day: date) -> str:
    """Weeks since the first Monday there is; a week begins on Monday."""
    return str((day.toordinal() - 1) // 7)


def _put(state: dict[str, Any], key: str, value: int) -> None:
    if value:
        state[key] = value
    else:
        state.pop(key, None)


def _count_thing(state: dict[str, Any], instance: str, thing: str, sign: int) -> tuple[int, int]:
    things = state.setdefault(instance, {})
    before = len(things)
    _put(things, thing, things.get(thing, 0) + sign)
    after = len(things)
    if not things:
        del state[instance]
    return before, after


def _count_week(state: dict[str, Any], instance: str, week: int, sign: int) -> tuple[int, int]:
    """A week that is new can lengthen only the run that it lies in; one that is gone makes all runs count again."""
    weeks = state.get(instance)
    if weeks is None:
        weeks = state[instance] = {_BEST: 0}
    key, before = str(week), weeks[_BEST]
    served = weeks.get(key, 0)
    if served and served + sign:
        weeks[key] = served + sign
        return before, before
    _put(weeks, key, served + sign)
    if served == 0:
        run = 1
        for step in (-1, 1):
            at = week + step
            while str(at) in weeks:
                run, at = run + 1, at + step
        if run > before:
            weeks[_BEST] = run
        return before, weeks[_BEST]
    weeks[_BEST] = best = _longest(int(other) for other in weeks if other != _BEST)
    if len(weeks) == 1:
        del state[instance]
    return before, best


def _longest(weeks: Iterable[int]) -> int:
    """The longest run of consecutive numbers."""
    best = run = 0
    last: int | None = None
    for week in sorted(weeks):
        run = run + 1 if last is not None and week == last + 1 else 1
        best, last = max(best, run), week
    return best
