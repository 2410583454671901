"""The live view over HTTP: the last hour per minute."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from fastapi import APIRouter

from services.operations.events.api import Watcher
from services.operations.events.output import bounds_of
from services.operations.live import store
from services.operations.live.domain import DEAD_LETTER, NO_COUNTS, Counts, LiveMinute, LivePlace
from services.operations.topics.domain import minutes_until, series
from shared.clock import real_now
from shared.http.app import Db, Output

__all__ = ["router"]

router = APIRouter(prefix="/api/operations/v1", tags=["live"])
K = TypeVar("K")


class LiveTypeOut(Output):
    """Events of one type per minute; dead letters and unreadable records are types of their own."""

    type: str
    events: list[int]


class LiveSiteOut(Output):
    """Services just done and points of one site per minute."""

    site_id: UUID
    records: list[int]
    points: list[int]


class LiveDriveOut(Output):
    """Services just done and points of the volunteers whom one drive recruited, per minute."""

    drive_id: UUID
    records: list[int]
    points: list[int]


class LiveOut(Output):
    """The last hour; every list has one figure for each of ``minutes``, the present one last.

    Lateness is from an event's commit to its arrival. From ``approximate_since`` on, figures may miss some records
    until they are counted from the index; null if none do.
    """

    minutes: list[datetime]
    records: list[int]
    points: list[int]
    dead_letters: list[int]
    mean_lateness_ms: list[int]
    largest_lateness_ms: list[int]
    by_type: list[LiveTypeOut]
    by_site: list[LiveSiteOut]
    by_drive: list[LiveDriveOut]
    approximate_since: datetime | None


@router.get("/live")
async def show_live(db: Db, caller: Watcher) -> LiveOut:
    """Records, points and dead letters of each minute of the last hour; a caller bound to sites sees those only."""
    minutes = minutes_until(real_now())
    async with db.snapshot() as tx:
        found = await store.minutes_since(tx, minutes[0], bounds_of(caller))
        gaps = await store.gaps(tx)
    return live_of(minutes, found, gaps[0][0] if gaps else None)


def live_of(minutes: Sequence[datetime], found: Sequence[LiveMinute], approximate: datetime | None) -> LiveOut:
    """The rows of the last hour as series."""

    def line(rows: Iterable[LiveMinute], figure: Callable[[Counts], int]) -> list[int]:
        return series(minutes, {minute: figure(counts) for minute, counts in _sums(rows).items()})

    done = [row for row in found if row.counts.records or row.counts.points]
    types, sites, drives = (
        _groups(found, lambda place: place.type),
        _groups(done, lambda place: place.site_id),
        _groups(done, lambda place: place.drive_id),
    )
    return LiveOut(
        minutes=list(minutes),
        records=line(found, lambda c: c.records),
        points=line(found, lambda c: c.points),
        dead_letters=line((row for row in found if row.place.type == DEAD_LETTER), lambda c: c.events),
        mean_lateness_ms=line(found, lambda c: c.lateness_ms // c.events if c.events else 0),
        largest_lateness_ms=line(found, lambda c: c.latest_ms),
        by_type=[LiveTypeOut(type=key, events=line(types[key], lambda c: c.events)) for key in sorted(types)],
        by_site=[
            LiveSiteOut(
                site_id=key, records=line(sites[key], lambda c: c.records), points=line(sites[key], lambda c: c.points)
            )
            for key in sorted(sites)
        ],
        by_drive=[
            LiveDriveOut(
                drive_id=key,
                records=line(drives[key], lambda c: c.records),
                points=line(drives[key], lambda c: c.points),
            )
            for key in sorted(drives)
        ],
        approximate_since=approximate,
    )


def _sums(rows: Iterable[LiveMinute]) -> dict[datetime, Counts]:
    sums: dict[datetime, Counts] = {}
    for row in rows:
        sums[row.minute] = sums.get(row.minute, NO_COUNTS).plus(row.counts)
    return sums


def _groups(rows: Iterable[LiveMinute], of: Callable[[LivePlace], K | None]) -> dict[K, list[LiveMinute]]:
    groups: defaultdict[K, list[LiveMinute]] = defaultdict(list)
    for row in rows:
        if (key := of(row.place)) is not None:
            groups[key].append(row)
    return dict(groups)
