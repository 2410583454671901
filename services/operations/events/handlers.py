"""Indexing a batch, and forgetting what is older than the index keeps: one transaction each."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from services.operations.events import store
from services.operations.events.domain import IndexedEvent, learned_sites, with_sites
from services.operations.events.reading import as_conflict
from shared.postgres import Database, Tx

__all__ = ["forget_old", "index", "prepare_days"]

FORGOTTEN_AT_ONCE = 20_000


async def prepare_days(db: Database, *days: date) -> None:
    """Make the partitions of days."""
    async with db.transaction() as tx:
        for day in days:
            await store.ensure_day(tx, day)


async def index(tx: Tx, batch: Sequence[IndexedEvent], *, incarnation: str, arrived_at: datetime) -> int:
    """Index a batch, in its order; returns how many events were new.

    What the index has already changes nothing when it is read again at its place, and adds an occurrence at another
    one. The partition of the day exists.
    """
    day = arrived_at.date()
    await store.lock(tx)
    batch = await _located(tx, batch, day)
    firsts, repeats = _apart(batch)
    digests = {event.event_id: event.digest for event in firsts} if repeats else {}
    numbered, known = await _claim(tx, firsts, day)
    if known:
        digests |= await store.claimed_digests(tx, [event.event_id for event in known])
    repeats += known
    conflicts = [event for event in repeats if digests[event.event_id] != event.digest]
    repeats = [event for event in repeats if digests[event.event_id] == event.digest]
    if conflicts:
        numbered += await _own_rows(tx, conflicts, repeats, day)
    await store.append(tx, numbered, day=day, incarnation=incarnation, arrived_at=arrived_at)
    await store.add_occurrences(tx, repeats, incarnation, arrived_at)
    await _count(tx, batch, [event for _, event in numbered], incarnation, arrived_at)
    if numbered:
        await store.announce(tx, numbered[-1][0])
    return len(numbered)


async def _located(tx: Tx, batch: Sequence[IndexedEvent], day: date) -> list[IndexedEvent]:
    """The events with their sites; what they name themselves is kept for later ones."""
    known = await store.known_sites(tx, (one for event in batch for one in event.related))
    await store.learn_names(tx, [event.named for event in batch if event.named is not None])
    learned = learned_sites(batch, known)
    await store.learn_sites(tx, learned, day)
    return with_sites(batch, known | learned)


def _apart(batch: Sequence[IndexedEvent]) -> tuple[list[IndexedEvent], list[IndexedEvent]]:
    """The first event of each id, and those that follow it."""
    firsts: dict[UUID, IndexedEvent] = {}
    repeats = []
    for event in batch:
        if firsts.setdefault(event.event_id, event) is not event:
            repeats.append(event)
    return list(firsts.values()), repeats


async def _own_rows(
    tx: Tx, conflicts: Sequence[IndexedEvent], repeats: list[IndexedEvent], day: date
) -> list[tuple[int, IndexedEvent]]:
    """Number the records that have the id of another one; those that are known by now join the repeats."""
    firsts, again = _apart([event._replace(**as_conflict(event)) for event in conflicts])
    numbered, known = await _claim(tx, firsts, day)
    repeats += again + known
    return numbered


async def _claim(
    tx: Tx, events: Sequence[IndexedEvent], day: date
) -> tuple[list[tuple[int, IndexedEvent]], list[IndexedEvent]]:
    """The events that are new with their numbers, and those whose ids are claimed already; in their order."""
    numbers = await store.claim(tx, events, day)
    if len(numbers) == len(events):
        return [(numbers[event.event_id], event) for event in events], []
    new = [(numbers[event.event_id], event) for event in events if event.event_id in numbers]
    return new, [event for event in events if event.event_id not in numbers]


async def _count(
    tx: Tx, batch: Sequence[IndexedEvent], new: Sequence[IndexedEvent], incarnation: str, at: datetime
) -> None:
    ends: dict[tuple[str, int], int] = {}
    for event in batch:
        place = event.topic, event.partition
        if ends.get(place, -1) <= event.last_offset:
            ends[place] = event.last_offset + 1
    sizes: dict[tuple[str, int], list[int]] = {}
    for event in new:
        sizes.setdefault((event.topic, event.partition), []).append(event.size)
    counted = {place: (end, len(of := sizes.get(place, [])), sum(of)) for place, end in ends.items()}
    counts: dict[str, tuple[int, int]] = {}
    for (topic, _), of in sizes.items():
        records, size = counts.get(topic, (0, 0))
        counts[topic] = records + len(of), size + sum(of)
    await store.move_positions(tx, counted, incarnation, at)
    await store.count_new(tx, counts, at)


async def forget_old(db: Database, now: datetime, days: int) -> int:
    """Drop what is older than ``days`` days; returns how many days were dropped."""
    before = now.date() - timedelta(days=days)
    async with db.transaction() as tx:
        expired = await store.expired_days(tx, before)
    for day in expired:
        after: int | None = 0
        while after is not None:
            async with db.transaction() as tx:
                after = await store.forget_ids(tx, day, after, FORGOTTEN_AT_ONCE)
        async with db.transaction() as tx:
            await store.drop_day(tx, day)
    async with db.transaction() as tx:
        await store.forget(tx, before, now - timedelta(days=days))
    return len(expired)
