"""Records between rows and domain: everything set-based, one statement for a whole batch."""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.points.records.domain import RecordRevision
from shared.clock import stored_instant
from shared.errors import PermanentError
from shared.postgres import Tx, load_queries

__all__ = ["RecordRefused"]

_SQL = load_queries(__file__)
_STORED = 27
_MARKED = 500
_RECORD = RecordRevision._fields[:_STORED]
_INSTANTS = ("started_at", "ended_at", "emitted_at")
_SUPERSEDED = ("record_id", "revision", "content_hash", "volunteer_id", "event_id", "content")
_LINE = re.compile(r"^COPY records, line (\d+)", re.MULTILINE)


class RecordRefused(PermanentError):
    """PostgreSQL says why it cannot keep this revision of a record."""

    def __init__(self, revision: RecordRevision, reason: str) -> None:
        super().__init__(f"the database does not take it: {reason}")
        self.key = (revision.record_id, revision.revision)


def unstorable(revision: RecordRevision) -> RecordRefused:
    """The refusal of a revision whose texts hold U+0000, in PostgreSQL's words."""
    return RecordRefused(revision, 'invalid byte sequence for encoding "UTF8": 0x00')


async def standing(tx: Tx, record_ids: Collection[UUID]) -> dict[UUID, RecordRevision]:
    """The revisions that stand."""
    rows = await tx.fetch(_SQL["records"], list(record_ids))
    return {row[0]: RecordRevision(*row) for row in rows}


async def superseded(tx: Tx, keys: Collection[tuple[UUID, int]]) -> dict[tuple[UUID, int], bytes]:
    """Content hashes of lower revisions that were seen."""
    if not keys:
        return {}
    rows = await tx.fetch(_SQL["superseded"], *map(list, _columns(keys)))
    return {(row[0], row[1]): bytes(row[2]) for row in rows}


async def volunteers_about(tx: Tx, activity_id: UUID | None, record_id: UUID | None) -> list[UUID]:
    """Whose records belong to an activity, or whose record it is, sorted; not locked."""
    return [row[0] for row in await tx.fetch(_SQL["volunteers_about"], activity_id, record_id)]


async def records_about(tx: Tx, activity_id: UUID | None, record_id: UUID | None) -> list[RecordRevision]:
    """The records of an activity, or the one record, in the order of their ids."""
    return [RecordRevision(*row) for row in await tx.fetch(_SQL["records_about"], activity_id, record_id)]


async def insert_records(tx: Tx, new: Sequence[RecordRevision]) -> None:
    """Write records that are new, in their order.

    Raises:
        RecordRefused: PostgreSQL does not take one; the transaction must go back to where it was before.
    """
    try:
        await tx.copy("records", _RECORD, map(_record, new), instants=_INSTANTS)
    except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
        if isinstance(error, asyncpg.UniqueViolationError) or (line := _LINE.search(error.context or "")) is None:
            raise
        raise RecordRefused(new[int(line[1]) - 1], str(error)) from error


def _record(revision: RecordRevision) -> tuple[Any, ...]:
    ended_at, emitted_at = revision.ended_at, revision.emitted_at
    return (
        *revision[:11],
        stored_instant(revision.started_at),
        None if ended_at is None else stored_instant(ended_at),
        *revision[13:26],
        None if emitted_at is None else stored_instant(emitted_at),
    )


async def raise_records(tx: Tx, raised: Iterable[RecordRevision]) -> None:
    """Bring stored records to higher revisions; what stood until now is kept."""
    rows = sorted(raised)
    if rows:
        await tx.execute(_SQL["raise_records"], *list(_columns(rows))[:_STORED])


async def mark_records(tx: Tx, record_ids: Collection[UUID]) -> None:
    """Leave a mark for what follows the records, in portions that fit a row."""
    ids = list(record_ids)
    if ids:
        portions = [(ids[start : start + _MARKED],) for start in range(0, len(ids), _MARKED)]
        await tx.copy("record_marks", ("record_ids",), portions)


async def keep_superseded(tx: Tx, superseded: Iterable[RecordRevision]) -> None:
    """Keep revisions that came when a higher one was known."""
    rows = [(r.record_id, r.revision, r.content_hash, r.volunteer_id, r.event_id, _content(r)) for r in superseded]
    if rows:
        await tx.copy("superseded_revisions", _SUPERSEDED, rows)


def _content(revision: RecordRevision) -> str:
    members = revision._asdict()
    for name in ("content_hash", "traceparent"):
        members.pop(name)
    return orjson.dumps(members, default=str).decode()


def _columns(rows: Iterable[Sequence[Any]]) -> Iterable[tuple[Any, ...]]:
    return zip(*rows, strict=True)
