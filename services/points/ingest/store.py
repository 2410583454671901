"""Facts about records that rules read: their inputs, complaints, and the cases that stand about them."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from services.points.ingest.fold import Touched
from services.points.ledger.buckets import BucketKey
from services.points.rules.domain import BucketSpan, Facts
from services.points.rules.valuation.domain import NOTHING_KNOWN, Known
from shared.postgres import Tx, load_queries

_SQL = load_queries(__file__)


async def inputs(tx: Tx, touched: Mapping[BucketKey, Touched]) -> dict[BucketKey, list[Facts]]:
    """The stored records of buckets."""
    if not touched:
        return {}
    keys: list[tuple[Any, ...]] = []
    of_activities: list[tuple[Any, ...]] = []
    for (volunteer, bucket), found in touched.items():
        period = found.period
        key = (volunteer, bucket, period.first, period.last)
        if found.rule.span == BucketSpan.ACTIVITY:
            of_activities.append((*key, period.activity_id))
        else:
            keys.append(key)
    stored: dict[BucketKey, list[Facts]] = {}
    for name, chosen in (("inputs", keys), ("inputs_of_activities", of_activities)):
        for row in await tx.fetch(_SQL[name], *zip(*chosen, strict=True)) if chosen else ():
            values = tuple(row)
            stored.setdefault((values[0], values[1]), []).append(Facts(*values[2:]))
    return stored


async def known(tx: Tx, seen: Collection[tuple[UUID, UUID | None]] = (), flagged: Collection[UUID] = ()) -> Known:
    """Complaints about any of these records and activities, and the cases about records of ``flagged`` volunteers."""
    found = NOTHING_KNOWN
    if seen:
        record_ids = [record_id for record_id, _ in seen]
        activity_ids = list({activity_id for _, activity_id in seen if activity_id is not None})
        rows = await tx.fetch(_SQL["standing_complaints"], record_ids, activity_ids)
        records = frozenset(row[0] for row in rows if row[0] is not None)
        found = found._replace(records=records, activities=frozenset(row[1] for row in rows if row[1] is not None))
    if flagged and (flags := await _standing_flags(tx, flagged)):
        found = found._replace(flags=flags)
    return found if any(found) else NOTHING_KNOWN


async def count_flags(tx: Tx, volunteer_ids: Collection[UUID]) -> None:
    await tx.execute(_SQL["count_flags"], list(volunteer_ids))


async def _standing_flags(tx: Tx, volunteer_ids: Collection[UUID]) -> dict[UUID, frozenset[str]]:
    """The kinds of the cases that stand about each record of these volunteers."""
    found: dict[UUID, set[str]] = {}
    for record_id, kind in await tx.fetch(_SQL["standing_flags"], list(volunteer_ids)):
        found.setdefault(record_id, set()).add(kind)
    return {record_id: frozenset(kinds) for record_id, kinds in found.items()}


async def move_flags(tx: Tx, moved: Mapping[UUID, UUID], volunteer_ids: Collection[UUID]) -> None:
    """Records (→ whose they are now) changed hands; everybody concerned is locked."""
    await tx.execute(_SQL["move_flags"], list(moved), list(moved.values()))
    await count_flags(tx, volunteer_ids)
