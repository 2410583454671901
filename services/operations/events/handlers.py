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
    numbered: list[tuple[int, IndexedEvent]] = []
    conflicts: list[IndexedEvent] = []
    digests: dict[UUID, bytes] = {}
    for event, claimed in zip(firsts, await store.claim(tx, firsts, day), strict=True):
        digests[event.event_id] = claimed.known_digest or event.digest
        if claimed.number is not None:
            numbered.append((claimed.number, event))
        else:
            repeats.append(event)
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
    repeats += again
    numbered = []
    for event, claimed in zip(firsts, await store.claim(tx, firsts, day), strict=True):
        if claimed.number is not None:
            numbered.append((claimed.number, event))
        else:
            repeats.append(event)
    return numbered


async def _count(
    tx: Tx, batch: Sequence[IndexedEvent], new: Sequence[IndexedEvent], incarnation: str, at: datetime
) -> None:
    counts: dict[str, tuple[int, int]] = {}
    ends: dict[tuple[str, int], tuple[int, int, int]] = {}
    for event in batch:
        place = event.topic, event.partition
        end, records, size = ends.get(place, (0, 0, 0))
        ends[place] = max(end, event.last_offset + 1), records, size
    for event in new:
        place = event.topic, event.partition
        end, records, size = ends[place]
        ends[place] = end, records + 1, size + event.size
        records, size = counts.get(event.topic, (0, 0))
        counts[event.topic] = records + 1, size + event.size
    await store.move_positions(tx, ends, incarnation, at)
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
