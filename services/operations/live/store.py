"""Minutes of the live view to rows and back."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from services.operations.live.domain import Counts, LiveMinute, LivePlace
from shared.postgres import Tx, load_queries

__all__ = [
    "add_gap",
    "count_from_index",
    "drop_gaps",
    "drop_minutes",
    "forget_minutes",
    "gaps",
    "last_minute",
    "minutes_since",
    "put_minutes",
]

_SQL = load_queries(__file__)


async def put_minutes(tx: Tx, minutes: Sequence[LiveMinute]) -> None:
    """Store minutes as they are now, in place of what is stored of them."""
    rows = [(m.minute, m.place.type, m.place.site_id, m.place.drive_id, *m.counts.packed()) for m in minutes]
    if rows:
        await tx.execute(_SQL["put_minutes"], *map(list, zip(*rows, strict=True)))


async def last_minute(tx: Tx) -> datetime | None:
    """The last minute of which something is stored."""
    found: datetime | None = await tx.fetchval(_SQL["last_minute"])
    return found


async def minutes_since(tx: Tx, since: datetime, sites: Iterable[UUID] | None) -> list[LiveMinute]:
    """The minutes since a time, of these sites or (None) of all places."""
    rows = await tx.fetch(_SQL["minutes_since"], since, None if sites is None else sorted(sites))
    return [
        LiveMinute(
            row["minute"],
            LivePlace(row["type"], row["site_id"], row["drive_id"]),
            Counts(row["events"], row["records"], row["points"], row["lateness_ms"], row["latest_ms"]),
        )
        for row in rows
    ]


async def forget_minutes(tx: Tx, before: datetime) -> None:
    """Drop what is older."""
    await tx.execute(_SQL["forget_minutes"], before)


async def add_gap(tx: Tx, since: datetime, until: datetime) -> None:
    """Remember minutes that the agents may have missed."""
    await tx.execute(_SQL["add_gap"], since, until)


async def gaps(tx: Tx) -> list[tuple[datetime, datetime]]:
    """The minutes that the agents may have missed and that are not counted from the index yet, the first one first."""
    return [(row["since"], row["until"]) for row in await tx.fetch(_SQL["gaps"])]


async def drop_gaps(tx: Tx, until: datetime) -> None:
    """Forget the gaps that end by then."""
    await tx.execute(_SQL["drop_gaps"], until)


async def drop_minutes(tx: Tx, since: datetime, until: datetime) -> None:
    """Drop minutes that are to be counted from the index."""
    await tx.execute(_SQL["drop_minutes"], since, until)


async def count_from_index(tx: Tx, since: datetime, until: datetime) -> None:
    """Count minutes from the index, by the time of commits."""
    await tx.execute(_SQL["count_from_index"], since, until)
