"""Integrity cases: suspected fraud, and how a case about it stands now. Pure.

Windows run on the time of what happened, or of when it was published, never on the reader's clock: a person's day
(``days``), a device's day (``acts``) and any ten minutes of a recorder (``bursts``). All are sets of records as they
stand and of acts that were entered, so that different records may come in any order, and finding again finds the same.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from services.points.integrity.acts.domain import Act, acts_of, judge_device, window_of
from services.points.integrity.bursts.domain import BURST_SECONDS, judge_recorder
from services.points.integrity.days.domain import (
    MOST_DAYS,
    DayEntry,
    entry_of,
    judge_person,
    minutes_within,
    shared_minutes,
    spans_of,
)
from services.points.integrity.terms.domain import (
    Burst,
    Flag,
    Kind,
    SeenRevision,
    SubjectKind,
    Thresholds,
    ThresholdsInForce,
    TimeWindow,
    day_of,
    day_span,
    seconds,
)

__all__ = [
    "Act",
    "ActReach",
    "Burst",
    "Case",
    "CaseOpening",
    "CaseStatus",
    "Chain",
    "DayReach",
    "Flag",
    "Kind",
    "SeenRevision",
    "SubjectKind",
    "Thresholds",
    "ThresholdsInForce",
    "acts_of",
    "find",
    "measure",
    "reach_of_acts",
    "reach_of_days",
    "still_so",
]


class CaseStatus(StrEnum):
    """Open until a person decides: nothing to it, or fraud."""

    OPEN = "open"
    CLEARED = "cleared"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it is kept. ``evidence`` is what was found when it was opened; times are business time.

    ``undecided`` are flags of records that another site did not void, about which a person decides.
    A sequel has the ``first_case_id`` of those before it and says how many they are; a first case has none and 0.
    """

    case_id: UUID
    kind: Kind
    subject_kind: SubjectKind
    subject: str
    site_ids: tuple[UUID, ...]
    evidence: Mapping[str, Any]
    thresholds_version: int
    opened_at: datetime
    status: CaseStatus
    settled_by: UUID | None
    settled_at: datetime | None
    reason: str | None
    correlation_id: str
    records: int
    first_case_id: UUID | None
    sequel: int
    undecided: int = 0


@dataclass(frozen=True, slots=True)
class Chain:
    """A case and its sequels, as they were opened: all about the same kind, subject and day.

    Nothing → open, by the first flag. Open → open and wider, by further records. Open → settled, by a person, who
    decides on the records that it is about. When the last one is settled, known records change nothing and further
    ones open a sequel, about these alone. So at most the last one is open, each record is in one of them, and which
    sequel it is follows from how many were settled before: a replay finds its records known.

    A record is known by its id, at whatever revision: what a correction changes is for who corrects it.
    """

    first: UUID
    cases: tuple[tuple[UUID, CaseStatus], ...]

    @property
    def open(self) -> UUID | None:
        """The case that further records join."""
        return self.cases[-1][0] if self.cases and self.cases[-1][1] is CaseStatus.OPEN else None


class CaseOpening(NamedTuple):
    """A case to be opened: what was found, and for a sequel the first case and how many were settled before."""

    flag: Flag
    first: UUID | None
    sequel: int


class DayReach(NamedTuple):
    """Days of a volunteer, the last one included, in which the records begin that a judgement needs."""

    volunteer_id: UUID
    first: date
    last: date


class ActReach(NamedTuple):
    """A time of a place, half open, in which the acts lie that a judgement needs."""

    place: str
    since: datetime
    until: datetime


def reach_of_days(changed: Iterable[SeenRevision]) -> list[DayReach]:
    """The records that lie in a day with one of these; overlapping reaches of a volunteer are one."""
    wanted: dict[UUID, list[tuple[date, date]]] = {}
    for seen in changed:
        if (entry := entry_of(seen)) is not None:
            spans = spans_of(entry)
            first = day_of(spans[0].start) - timedelta(days=MOST_DAYS - 1)
            wanted.setdefault(seen.volunteer_id, []).append((first, day_of(spans[-1].start)))
    return [
        DayReach(volunteer_id, first, last)
        for volunteer_id, periods in sorted(wanted.items())
        for first, last in _merged(periods)
    ]


def reach_of_acts(changed: Iterable[Act]) -> list[ActReach]:
    """The acts that lie in a window with one of these; overlapping reaches of a place are one."""
    wanted: dict[str, list[tuple[int, int]]] = {}
    for act in changed:
        at = seconds(act.at)
        burst = TimeWindow(at - BURST_SECONDS + 1, at + BURST_SECONDS)
        wanted.setdefault(act.place, []).append(burst if act.kind == "burst" else window_of(act))
    return [
        ActReach(place, datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(until, UTC))
        for place, periods in sorted(wanted.items())
        for since, until in _merged(periods)
    ]


def _merged(periods: Iterable[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Periods without overlaps, in order."""
    merged: list[tuple[Any, Any]] = []
    for first, last in sorted(periods):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def find(
    thresholds: ThresholdsInForce, changed: Collection[UUID], standing: Iterable[SeenRevision], acts: Iterable[Act]
) -> list[Flag]:
    """All findings that a changed record is part of.

    Args:
        changed: the records with a new revision.
        standing: records at their highest revision, at least those within `reach_of_days`.
        acts: acts that were entered, at least those within `reach_of_acts`.
    """
    ids = frozenset(changed)
    people: dict[UUID, dict[UUID, DayEntry]] = {}
    for seen in standing:
        if (entry := entry_of(seen)) is not None:
            people.setdefault(seen.volunteer_id, {})[seen.record_id] = entry
    places: dict[str, list[Act]] = {}
    for act in acts:
        places.setdefault(act.place, []).append(act)
    flags: list[Flag] = []
    for volunteer_id, records in sorted(people.items()):
        flags += judge_person(thresholds, volunteer_id, records, ids)
    for _, here in sorted(places.items()):
        judge = judge_recorder if here[0].kind == "burst" else judge_device
        flags += judge(thresholds, here, ids)
    return flags


def measure(kind: Kind, day: date, records: Mapping[UUID, SeenRevision]) -> int:
    """The amount of a case's records as they stand now, in the unit of its evidence."""
    if kind in ("burst", "never-signed-up"):
        return sum(seen.status != "void" for seen in records.values())
    if kind == "mutual-approvals":
        sides = Counter(seen.recorded_by for seen in records.values() if seen.status != "void")
        return min(sides.values()) if len(sides) > 1 else 0
    if kind == "denials":
        return sum(seen.status != "confirmed" for seen in records.values())
    if kind == "recorder-hours":
        return sum(seen.minutes for seen in records.values() if seen.status == "confirmed")
    if kind in ("many-accounts", "one-time-referrals", "filled-at-once"):
        return len({seen.volunteer_id for seen in records.values() if seen.status != "void"})
    found = {record_id: entry for record_id, seen in records.items() if (entry := entry_of(seen)) is not None}
    if kind == "no-check-in":
        return minutes_within(day_span(day), found)
    confirmed = {record_id: entry for record_id, entry in found.items() if entry.confirmed}
    if kind == "long-day":
        return minutes_within(day_span(day), confirmed)
    two = list(confirmed.values())
    if len(two) != 2 or two[0].site_id == two[1].site_id or len({seen.volunteer_id for seen in records.values()}) != 1:
        return 0
    return shared_minutes(*two)


def still_so(kind: Kind, measured: int, limit: int) -> bool:
    """Whether the case would be opened with the amount of its records now."""
    return measured > limit if kind == "long-day" else measured >= limit
