"""What the pulse counts, and how counts of short slices add up to the last minute."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

__all__ = [
    "KEEP_SECONDS",
    "SLICE_SECONDS",
    "WINDOW_SECONDS",
    "Beat",
    "Cell",
    "Minute",
    "cells",
    "counts_as_record",
    "last_minute",
]

WINDOW_SECONDS = 60
SLICE_SECONDS = 5
"""The minute is the sum of its last twelve slices: it slides in steps of one slice, and a record is written once."""

KEEP_SECONDS = WINDOW_SECONDS + 6 * SLICE_SECONDS
"""How long slices stay in the table."""

NOWHERE = "-"


@dataclass(frozen=True, slots=True)
class Beat:
    """What one event adds."""

    records: int
    points: int
    site_id: UUID | None
    drive_id: UUID | None


@dataclass(frozen=True, slots=True)
class Cell:
    """What one slice holds for one key."""

    key: str
    start: float
    value: int


@dataclass(frozen=True, slots=True)
class Minute:
    """The last minute: totals, and (records, points) by site and by drive."""

    records: int
    points: int
    by_site: dict[UUID, tuple[int, int]]
    by_drive: dict[UUID, tuple[int, int]]


def counts_as_record(status: str, provenance: str, closed_by: str | None, *, ended: bool) -> bool:
    """Whether a revision is a service that was just done: confirmed, not imported, and no correction of an old one."""
    return status == "confirmed" and ended and provenance != "imported" and closed_by != "correction"


def cells(beat: Beat, partition: int) -> list[tuple[str, int]]:
    """The keys that a beat raises, and by how much.

    The partition is part of the key: each is restored from its own part of the changelog, so two of them must not
    write one key.
    """
    found = []
    for metric, amount in (("r", beat.records), ("p", beat.points)):
        if amount:
            found.append((f"{metric}|s|{beat.site_id or NOWHERE}|{partition}", amount))
            if beat.drive_id is not None:
                found.append((f"{metric}|d|{beat.drive_id}|{partition}", amount))
    return found


def last_minute(found: Iterable[Cell], now: float) -> Minute:
    """Add up the slices that lie in the minute before ``now`` (Unix seconds)."""
    sums: dict[tuple[str, str, str], int] = defaultdict(int)
    for cell in found:
        if now - WINDOW_SECONDS < cell.start <= now:
            metric, kind, subject, _ = cell.key.split("|")
            sums[metric, kind, subject] += cell.value
    totals = {
        metric: sum(value for (m, kind, _), value in sums.items() if m == metric and kind == "s") for metric in "rp"
    }
    return Minute(totals["r"], totals["p"], _by(sums, "s"), _by(sums, "d"))


def _by(sums: dict[tuple[str, str, str], int], kind: str) -> dict[UUID, tuple[int, int]]:
    subjects = sorted({subject for _, k, subject in sums if k == kind and subject != NOWHERE})
    return {UUID(s): (sums.get(("r", kind, s), 0), sums.get(("p", kind, s), 0)) for s in subjects}
