"""Counts of the streams: what one record adds, and how short slices add up to minutes. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

__all__ = [
    "DEAD_LETTER",
    "KEEP_SECONDS",
    "MINUTE_SECONDS",
    "NO_COUNTS",
    "SLICE_SECONDS",
    "UNREADABLE",
    "Counts",
    "LiveMinute",
    "LivePlace",
    "Pulse",
    "Sighting",
    "Slice",
    "is_new_service",
    "is_timely",
    "key_of",
    "minutes_of",
    "place_of",
    "pulse_of",
]

MINUTE_SECONDS = 60
SLICE_SECONDS = 5
"""The last minute is the sum of its last twelve slices: it slides in steps of one, and a record is written once."""
KEEP_SECONDS = 3 * MINUTE_SECONDS
"""How long slices stay in the table: the present minute and the two before, which may still grow."""
DEAD_LETTER = "dead-letter"
"""The type under which records of dead-letter topics count."""
UNREADABLE = "unreadable"
"""The type under which records count that hold no event of ours."""
_NONE = "-"


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of events, of services just done and of points; lateness in ms from the commit to the arrival."""

    events: int = 0
    records: int = 0
    points: int = 0
    lateness_ms: int = 0
    latest_ms: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Both together: ``lateness_ms`` is a sum, ``latest_ms`` the largest."""
        return Counts(
            self.events + other.events,
            self.records + other.records,
            self.points + other.points,
            self.lateness_ms + other.lateness_ms,
            max(self.latest_ms, other.latest_ms),
        )

    def packed(self) -> list[int]:
        """The counts as a table keeps them."""
        return [self.events, self.records, self.points, self.lateness_ms, self.latest_ms]


NO_COUNTS = Counts()


@dataclass(frozen=True, slots=True, order=True)
class LivePlace:
    """A type of event, a site and a drive that are counted apart; None where the event names none."""

    type: str
    site_id: UUID | None = None
    drive_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """The counts that one record adds."""

    place: LivePlace
    records: int = 0
    points: int = 0

    def counts(self, age_seconds: float) -> Counts:
        """The counts of this record, which arrived so long after its commit."""
        late = max(0, round(age_seconds * 1000))
        return Counts(1, self.records, self.points, late, late)


@dataclass(frozen=True, slots=True)
class Slice:
    """The counts of one key in the slice that begins at ``start`` (Unix seconds)."""

    key: str
    start: float
    counts: Counts


@dataclass(frozen=True, slots=True)
class LiveMinute:
    """The counts of one place in one minute."""

    minute: datetime
    place: LivePlace
    counts: Counts


@dataclass(frozen=True, slots=True)
class Pulse:
    """The last minute: totals, and (records, points) by site and by drive."""

    records: int
    points: int
    dead_letters: int
    latest_ms: int
    by_site: dict[UUID, tuple[int, int]]
    by_drive: dict[UUID, tuple[int, int]]


def is_new_service(status: str, provenance: str, closed_by: str | None, *, ended: bool) -> bool:
    """Whether a revision is a service that was just done: confirmed, not imported, and no correction of an old one."""
    return status == "confirmed" and ended and provenance != "imported" and closed_by != "correction"


def is_timely(age_seconds: float) -> bool:
    """Whether a record arrived within a minute of its commit.

    A relay that sends again keeps the old time. A time far ahead would expire the slices of the present.
    """
    return MINUTE_SECONDS - KEEP_SECONDS <= age_seconds <= MINUTE_SECONDS


def key_of(place: LivePlace, partition: int) -> str:
    """The key of a place in the table.

    The partition is part of it: each is restored from its own part of the changelog, so two must not write one key.
    """
    return f"{place.type}|{place.site_id or _NONE}|{place.drive_id or _NONE}|{partition}"


@lru_cache(maxsize=20_000)
def place_of(key: str) -> LivePlace:
    """The place of a key."""
    type_, site, drive, _ = key.rsplit("|", 3)
    return LivePlace(type_, None if site == _NONE else UUID(site), None if drive == _NONE else UUID(drive))


def pulse_of(slices: Iterable[Slice], now: float) -> Pulse:
    """Add up the slices that lie in the minute before ``now`` (Unix seconds)."""
    total, dead = NO_COUNTS, 0
    by_site: defaultdict[UUID, tuple[int, int]] = defaultdict(lambda: (0, 0))
    by_drive: defaultdict[UUID, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for one in slices:
        if not now - MINUTE_SECONDS < one.start <= now:
            continue
        place, counts = place_of(one.key), one.counts
        total = total.plus(counts)
        dead += counts.events if place.type == DEAD_LETTER else 0
        if counts.records or counts.points:
            for sums, id_ in ((by_site, place.site_id), (by_drive, place.drive_id)):
                if id_ is not None:
                    sums[id_] = (sums[id_][0] + counts.records, sums[id_][1] + counts.points)
    return Pulse(
        total.records,
        total.points,
        dead,
        total.latest_ms,
        dict(sorted(by_site.items())),
        dict(sorted(by_drive.items())),
    )


def minutes_of(slices: Iterable[Slice], now: float) -> Sequence[LiveMinute]:
    """The present minute and the two before it as the slices have them, in order; ``now`` in Unix seconds."""
    first = (now // MINUTE_SECONDS - 2) * MINUTE_SECONDS
    sums: dict[tuple[float, LivePlace], Counts] = {}
    for one in slices:
        minute = one.start // MINUTE_SECONDS * MINUTE_SECONDS
        if first <= minute <= now:
            at = (minute, place_of(one.key))
            sums[at] = sums.get(at, NO_COUNTS).plus(one.counts)
    return [
        LiveMinute(datetime.fromtimestamp(minute, UTC), place, counts)
        for (minute, place), counts in sorted(sums.items(), key=lambda item: (item[0][0], str(item[0][1])))
    ]
