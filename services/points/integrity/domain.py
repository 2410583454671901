"""Integrity cases: suspected fraud, and how a case about it stands now. Pure.

Windows run on the time of what happened, or of when it was published, never on the reader's clock: a person's day
(``days``), a device's day (``acts``) and any ten minutes of a recorder (``bursts``). All are sets of record ids, so
that what comes again changes nothing and different records may come in any order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from services.points.integrity.acts.domain import Act, acts_of, judge, window_of
from services.points.integrity.bursts.domain import Cell, Entered, enter
from services.points.integrity.days.domain import (
    Day,
    DayEntry,
    DayStep,
    RecordDays,
    entry_of,
    minutes_within,
    shared_minutes,
    step,
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
    day_span,
)

__all__ = [
    "Act",
    "Burst",
    "Case",
    "CaseOpening",
    "CaseStatus",
    "Cell",
    "Chain",
    "Day",
    "DayEntry",
    "DayStep",
    "Entered",
    "Flag",
    "Kind",
    "RecordDays",
    "SeenRevision",
    "SubjectKind",
    "Thresholds",
    "ThresholdsInForce",
    "TimeWindow",
    "acts_of",
    "enter",
    "judge",
    "measure",
    "step",
    "still_so",
    "window_of",
]


class CaseStatus(StrEnum):
    """Open until a person decides: nothing to it, or fraud."""

    OPEN = "open"
    CLEARED = "cleared"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it is kept. ``evidence`` is what was found when it was opened; times are business time.

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


def measure(kind: Kind, day: date, records: Mapping[UUID, SeenRevision]) -> int:
    """The amount of a case's records as they stand now, in the unit of its evidence."""
    if kind == "burst":
        return sum(seen.status != "void" for seen in records.values())
    if kind == "many-accounts":
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
