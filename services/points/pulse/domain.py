"""Counts of the pulse, and how counts of short slices add up to the last minute."""

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
RECORDS, POINTS = "r", "p"


@dataclass(frozen=True, slots=True)
class Beat:
    """The increments of one event."""

    records: int
    points: int
    site_id: UUID | None
    drive_id: UUID | None


@dataclass(frozen=True, slots=True)
class Cell:
    """The counts of one slice for one key."""

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
    """The keys that a beat raises, and by how much; one per metric, because each write costs a changelog record.

    The partition is part of the key: each is restored from its own part of the changelog, so two of them must not
    write one key.
    """
    where = f"{beat.site_id or NOWHERE}|{beat.drive_id or NOWHERE}|{partition}"
    return [
        (f"{metric}|{where}", amount) for metric, amount in ((RECORDS, beat.records), (POINTS, beat.points)) if amount
    ]


def last_minute(found: Iterable[Cell], now: float) -> Minute:
    """Add up the slices that lie in the minute before ``now`` (Unix seconds)."""
    totals = {RECORDS: 0, POINTS: 0}
    by_site: defaultdict[str, dict[str, int]] = defaultdict(lambda: {RECORDS: 0, POINTS: 0})
    by_drive: defaultdict[str, dict[str, int]] = defaultdict(lambda: {RECORDS: 0, POINTS: 0})
    for cell in found:
        if now - WINDOW_SECONDS < cell.start <= now:
            metric, site, drive, _ = cell.key.split("|")
            totals[metric] += cell.value
            by_site[site][metric] += cell.value
            by_drive[drive][metric] += cell.value
    return Minute(totals[RECORDS], totals[POINTS], _known(by_site), _known(by_drive))


def _known(sums: dict[str, dict[str, int]]) -> dict[UUID, tuple[int, int]]:
    return {UUID(s): (sums[s][RECORDS], sums[s][POINTS]) for s in sorted(sums) if s != NOWHERE}
