"""Events to rows and back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.operations.events.domain import EventFilter, IndexedEvent, IndexRow, PlaceName
from shared.clock import stored_instant
from shared.postgres import Tx, load_queries

__all__ = [
    "EventDetail",
    "Occurrence",
    "SearchWindow",
    "add_occurrences",
    "announce",
    "append",
    "claim",
    "claimed_digests",
    "count_new",
    "drop_day",
    "effects_of",
    "end_of",
    "ensure_day",
    "expired_days",
    "following",
    "forget",
    "forget_ids",
    "known_sites",
    "learn_names",
    "learn_sites",
    "lock",
    "move_positions",
    "names_of",
    "newest_number",
    "oldest_number",
    "one",
    "plan_for_values",
    "search",
    "trace",
    "waiting",
]

_SQL = load_queries(__file__)
_COLUMNS = (
    "number", "day", "event_id", "kind", "topic", "partition", "offset_", "last_offset", "incarnation", "type", "key",
    "aggregate_id", "aggregate_version", "correlation_id", "causation_id", "site_id", "event_time", "broker_time",
    "arrived_at", "at", "headers", "value", "bytes", "size", "note",
)  # fmt: skip
_INSTANTS = ("event_time", "broker_time", "arrived_at", "at")
SCANNED = 20_000
"""Events that one page of a search for text reads at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchWindow:
    """The part of the index that a search reads, beside what it selects."""

    before: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    partition: int | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A place on a topic where an event lies."""

    incarnation: str
    topic: str
    partition: int
    offset: int
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class EventDetail:
    """A stored event with its headers as stored, its content where it is no JSON, and its places, the first first."""

    event: IndexRow
    headers: str
    content: bytes | None
    places: tuple[Occurrence, ...]


async def lock(tx: Tx) -> None:
    """Wait until this transaction is the only one that writes the index."""
    await tx.execute(_SQL["lock_index"])


async def ensure_day(tx: Tx, day: date) -> None:
    """Make the partition of a day unless it exists."""
    await tx.execute(_SQL["ensure_day"], day)


async def claim(tx: Tx, events: Sequence[IndexedEvent], day: date) -> dict[UUID, int]:
    """Claim the ids of events, each given once; returns the numbers of those that are new, which follow their order."""
    rows = await tx.fetch(_SQL["claim"], [one.event_id for one in events], [one.digest for one in events], day)
    return {row["event_id"]: row["number"] for row in rows}


async def claimed_digests(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """The digests of the events that have these ids."""
    return {row["event_id"]: row["digest"] for row in await tx.fetch(_SQL["claimed_digests"], ids)}


async def append(
    tx: Tx, numbered: Iterable[tuple[int, IndexedEvent]], *, day: date, incarnation: str, arrived_at: datetime
) -> None:
    """Append rows of new events."""
    arrived = stored_instant(arrived_at)
    rows = [
        (
            number, day, e.event_id, e.kind, e.topic, e.partition, e.offset, e.last_offset, incarnation, e.type, e.key,
            e.aggregate_id, e.aggregate_version, e.correlation_id, e.causation_id, e.site_id,
            None if e.event_time is None else stored_instant(e.event_time),
            sent := None if e.broker_time is None else stored_instant(e.broker_time),
            arrived, arrived if sent is None else sent, e.headers, e.value, e.content, e.size, e.note,
        )
        for number, e in numbered
    ]  # fmt: skip
    if rows:
        await tx.copy("events", _COLUMNS, rows, instants=_INSTANTS)


async def add_occurrences(tx: Tx, events: Sequence[IndexedEvent], incarnation: str, arrived_at: datetime) -> None:
    """Add the places of events that are indexed already."""
    if events:
        await tx.execute(
            _SQL["add_occurrences"],
            [e.event_id for e in events],
            [e.topic for e in events],
            [e.partition for e in events],
            [e.offset for e in events],
            incarnation,
            arrived_at,
        )


async def known_sites(tx: Tx, ids: Iterable[str]) -> dict[str, UUID]:
    """The sites of ids, as far as events have named them."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    return {row["id"]: row["site_id"] for row in await tx.fetch(_SQL["known_sites"], wanted)}


async def learn_sites(tx: Tx, learned: Mapping[str, UUID], day: date) -> None:
    """Keep the sites of ids."""
    if learned:
        ids = sorted(learned)
        await tx.execute(_SQL["learn_sites"], ids, [learned[one] for one in ids], day)


async def learn_names(tx: Tx, names: Iterable[PlaceName]) -> None:
    """Keep the names of sites and activities; a lower version changes nothing."""
    newest: dict[UUID, PlaceName] = {}
    for one in names:
        if one.id not in newest or newest[one.id].version < one.version:
            newest[one.id] = one
    if newest:
        found = [newest[one] for one in sorted(newest)]
        await tx.execute(
            _SQL["learn_names"],
            [one.id for one in found],
            [one.kind for one in found],
            [one.name for one in found],
            [one.site_id for one in found],
            [one.version for one in found],
        )


async def names_of(tx: Tx, ids: Iterable[UUID]) -> list[PlaceName]:
    """The names of these sites and activities, as far as they are known."""
    return [PlaceName(*row) for row in await tx.fetch(_SQL["names_of"], sorted(set(ids)))]


async def move_positions(
    tx: Tx, ends: Mapping[tuple[str, int], tuple[int, int, int]], incarnation: str, at: datetime
) -> None:
    """Move the ends of partitions: (topic, partition) → (next offset, records, bytes)."""
    places = sorted(ends)
    columns = [[ends[place][column] for place in places] for column in range(3)]
    topics, partitions = [topic for topic, _ in places], [partition for _, partition in places]
    await tx.execute(_SQL["move_positions"], topics, partitions, *columns, incarnation, at)


async def count_new(tx: Tx, counts: Mapping[str, tuple[int, int]], at: datetime) -> None:
    """Count new events in the minute: topic → (records, bytes)."""
    if counts:
        topics = sorted(counts)
        records, sizes = [counts[topic][0] for topic in topics], [counts[topic][1] for topic in topics]
        await tx.execute(_SQL["count_minute"], topics, records, sizes, at)


async def announce(tx: Tx, number: int) -> None:
    """Notify the streams of the last number, when the transaction commits."""
    await tx.execute(_SQL["announce"], str(number))


async def expired_days(tx: Tx, before: date) -> list[date]:
    """The days before one that still have rows."""
    return [row["day"] for row in await tx.fetch(_SQL["expired_days"], before)]


async def forget_ids(tx: Tx, day: date, after: int, limit: int) -> int | None:
    """Delete ids and occurrences of a day behind a number; returns the last number, None at the end."""
    last: int | None = await tx.fetchval(_SQL["forget_ids"], day, after, limit)
    return last


async def drop_day(tx: Tx, day: date) -> None:
    """Drop the rows of a day."""
    await tx.execute(_SQL["drop_day"], day)


async def forget(tx: Tx, before: date, before_minute: datetime) -> None:
    """Delete sites and rates that no row of the index needs."""
    await tx.execute(_SQL["forget_sites"], before)
    await tx.execute(_SQL["forget_minutes"], before_minute)


async def plan_for_values(tx: Tx) -> None:
    """Plan the statements of this transaction for their values, which most conditions of a search lack."""
    await tx.execute(_SQL["plan_for_values"])


async def search(tx: Tx, wanted: EventFilter, window: SearchWindow, limit: int) -> tuple[list[IndexRow], int | None]:
    """Events that meet the filter, newest first; with the number from which a search for text has more to read."""
    await plan_for_values(tx)
    sites = None if wanted.sites is None else sorted(wanted.sites)
    selected = (
        sites, wanted.topic, wanted.type, wanted.key, wanted.aggregate_id, wanted.correlation_id, wanted.site_id,
        window.since, window.until,
    )  # fmt: skip
    floor: int | None = None
    unread: int | None = None
    if wanted.text is not None:
        row = await tx.fetchrow(_SQL["text_floor"], window.before, *selected, SCANNED)
        assert row is not None
        floor, unread = row["lowest"], row["lowest"] if row["scanned"] == SCANNED else None
    rows = await tx.fetch(
        _SQL["search"], window.before, floor, *selected, window.partition, window.offset, wanted.text, limit
    )
    return [_stored(row) for row in rows], unread


async def one(tx: Tx, event_id: UUID) -> EventDetail | None:
    """An event by its id, None if the index has none."""
    row = await tx.fetchrow(_SQL["one"], event_id)
    if row is None:
        return None
    first = Occurrence(row["incarnation"], row["topic"], row["partition"], row["offset_"], row["arrived_at"])
    more = await tx.fetch(_SQL["occurrences_of"], event_id)
    places = (first, *(Occurrence(*values) for values in (tuple(found) for found in more)))
    return EventDetail(_stored(row), row["headers"], row["bytes"], places)


async def effects_of(tx: Tx, event: IndexRow, sites: Iterable[UUID] | None) -> list[IndexRow]:
    """The events that name an event as their cause, within the bounds."""
    bounds = None if sites is None else sorted(sites)
    rows = await tx.fetch(_SQL["effects_of"], event.correlation_id, str(event.event_id), bounds)
    return [_stored(row) for row in rows]


async def trace(tx: Tx, correlation_id: str, sites: Iterable[UUID] | None, limit: int) -> list[IndexRow]:
    """The events of one correlation id within the bounds, in the order of their commits."""
    rows = await tx.fetch(_SQL["trace"], correlation_id, None if sites is None else sorted(sites), limit)
    return [_stored(row) for row in rows]


async def end_of(tx: Tx, topic: str, partition: int) -> int | None:
    """The end of a partition as far as it is indexed, None if nothing of it is."""
    end: int | None = await tx.fetchval(_SQL["end_of"], topic, partition)
    return end


async def newest_number(tx: Tx) -> int:
    """The number of the newest row, 0 if there is none."""
    number: int = await tx.fetchval(_SQL["newest_number"])
    return number


async def oldest_number(tx: Tx) -> int:
    """The number of the oldest row, 0 if there is none."""
    number: int = await tx.fetchval(_SQL["oldest_number"])
    return number


async def following(tx: Tx, after: int, limit: int) -> list[IndexRow]:
    """The rows behind a number, in order."""
    return [_stored(row) for row in await tx.fetch(_SQL["following"], after, limit)]


async def waiting(tx: Tx, after: int, limit: int) -> tuple[int, int | None]:
    """How many rows lie behind a number, counted up to the limit, and the number of the first of them."""
    row = await tx.fetchrow(_SQL["waiting"], after, limit)
    assert row is not None
    return row["rows"], row["first"]


def _stored(row: Any) -> IndexRow:
    return IndexRow(
        number=row["number"],
        event_id=row["event_id"],
        kind=row["kind"],
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset_"],
        last_offset=row["last_offset"],
        type=row["type"],
        key=row["key"],
        aggregate_id=row["aggregate_id"],
        aggregate_version=row["aggregate_version"],
        correlation_id=row["correlation_id"],
        causation_id=row["causation_id"],
        site_id=row["site_id"],
        event_time=row["event_time"],
        broker_time=row["broker_time"],
        arrived_at=row["arrived_at"],
        value=row["value"],
        size=row["size"],
        note=row["note"],
        occurrences=row["occurrences"],
    )
