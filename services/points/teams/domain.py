"""Counts a record for its team, and decides which badges a team's counts earn. Pure.

A service of a team is one record that names the team, confirmed and not imported. What each record counts is a function
of its highest revision, so that the counts are one of the set of revisions, in whatever order they come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from services.points.badges.domain import CREDIT, HONOUR, BadgeProgress, Criteria, Criterion, States
from services.points.rules.hours.domain import PROVENANCE_GROUPS, Lifetime

__all__ = [
    "LIFETIME",
    "Figures",
    "Increments",
    "Said",
    "TeamRecordChange",
    "TeamResolution",
    "TeamStanding",
    "add",
    "highest",
    "increments",
    "judged",
    "progress",
    "resolve",
    "said",
    "sentence",
    "total",
]

GROUPS: Final = (CREDIT, HONOUR)
"""The groups of provenance that a team's service may be of, in the order of a figure's parts."""
LIFETIME: Final = ""
Counts = tuple[int, int]
Figures = dict[str, Counts]
"""Window ('' for the lifetime, or a year) → services by group, in the order of `GROUPS`; nothing is kept of zeros."""
Increments = dict[tuple[UUID, date], Counts]


class Revised(Protocol):
    """The fields of a revision that counting reads."""

    @property
    def record_id(self) -> UUID: ...
    @property
    def revision(self) -> int: ...
    @property
    def team_id(self) -> UUID | None: ...
    @property
    def day(self) -> date: ...
    @property
    def status(self) -> str: ...
    @property
    def provenance(self) -> str: ...


class Said(NamedTuple):
    """The count of a record for a team at one revision; ``counted_as`` is None where it counts nothing."""

    record_id: UUID
    revision: int
    team_id: UUID | None
    day: date
    counted_as: str | None


class TeamRecordChange(NamedTuple):
    """A record that says something newer than before; ``place`` is where in the batch it came."""

    old: Said | None
    new: Said
    place: int


@dataclass(frozen=True, slots=True)
class TeamResolution:
    """The changes of a batch, each record once; ``conflicts`` are places of second contents of a known revision."""

    changes: list[TeamRecordChange] = field(default_factory=list)
    conflicts: list[int] = field(default_factory=list)


class TeamStanding(NamedTuple):
    """A line of the teams' standings in a period: equal services are an equal rank; ``badges`` are codes, held now."""

    rank: int
    team_id: UUID
    services: int
    badges: tuple[str, ...]


def said(revision: Revised) -> Said:
    """The count of one revision for its team: confirmed, not imported, and naming a team; else nothing."""
    group = PROVENANCE_GROUPS[revision.provenance]
    counts = revision.status == "confirmed" and revision.team_id is not None and group < len(GROUPS)
    counted_as = GROUPS[group] if counts else None
    return Said(revision.record_id, revision.revision, revision.team_id, revision.day, counted_as)


def resolve(batch: Sequence[Said], stored: Mapping[UUID, Said]) -> TeamResolution:
    """The highest revision of each record wins; of one revision, what came first stands."""
    latest = dict(stored)
    places: dict[UUID, int] = {}
    conflicts = []
    for place, one in enumerate(batch):
        known = latest.get(one.record_id)
        if known is None or one.revision > known.revision:
            latest[one.record_id], places[one.record_id] = one, place
        elif one.revision == known.revision and one != known:
            conflicts.append(place)
    changes = [TeamRecordChange(stored.get(record_id), latest[record_id], place) for record_id, place in places.items()]
    return TeamResolution(changes, conflicts)


def increments(changes: Iterable[TeamRecordChange]) -> Increments:
    """The sums of the changes by team and day; sums of zero are left out."""
    found: dict[tuple[UUID, date], list[int]] = {}
    for old, new, _ in changes:
        for one, sign in ((old, -1), (new, 1)):
            if one is not None and one.counted_as is not None and one.team_id is not None:
                found.setdefault((one.team_id, one.day), [0, 0])[GROUPS.index(one.counted_as)] += sign
    return {key: (counts[0], counts[1]) for key, counts in sorted(found.items()) if any(counts)}


def add(figures: Figures, day: date, counts: Counts) -> None:
    """Add services of a day, or take them away, in each window that the day lies in."""
    for window in (LIFETIME, str(day.year)):
        before = figures.get(window, (0, 0))
        after = (before[0] + counts[0], before[1] + counts[1])
        if any(after):
            figures[window] = after
        else:
            figures.pop(window, None)


def total(figures: Figures, window: str = LIFETIME) -> int:
    """All services of a window."""
    return sum(figures.get(window, ()))


def judged(criteria: Criteria, figures: Figures) -> tuple[Lifetime, States]:
    """The figures in the form that criteria are judged by: the volunteers' form, of records alone."""
    credit, honour = figures.get(LIFETIME, (0, 0))
    states: States = [
        {
            window: services
            for window, counts in figures.items()
            if window != LIFETIME
            and (services := sum(n for group, n in zip(GROUPS, counts, strict=True) if group in meter.groups))
        }
        for meter in criteria.meters
    ]
    return Lifetime(credit_records=credit, honour_records=honour), states


def progress(criteria: Criteria, figures: Figures, year: int) -> list[BadgeProgress]:
    """How far a team is towards each badge; those for a year, towards that year's."""
    return criteria.progress(*judged(criteria, figures), year)


def highest(criteria: Criteria, badges: Iterable[str]) -> list[tuple[str, str]]:
    """(code, name) of the badge with the highest threshold of each window, of all time first, then the latest year."""
    best: dict[str, tuple[int, str, str]] = {}
    for badge in badges:
        if (found := criteria.find(badge)) is not None:
            criterion, instance = found
            one = (criterion.at_least, badge, criterion.title(instance))
            best[instance] = max(best.get(instance, one), one)
    order = sorted(best, key=lambda instance: (instance != LIFETIME, -int(instance or 0)))
    return [best[instance][1:] for instance in order]


def sentence(criterion: Criterion) -> str:
    """The sentence that says how a team earns the badge."""
    scope = "一个自然年内" if criterion.window == "year" else "累计"
    return f"团队{scope}完成 {criterion.at_least} 人次服务"
