"""Rows of the security log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from services.recruitment.security.domain import SecurityEvent
from shared.postgres import Tx, load_queries

__all__ = ["Filter", "StoredEvent", "add_event", "events", "purge_events", "staff_names"]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events to list; None does not filter. ``until`` is exclusive."""

    kind: str | None = None
    subject: UUID | None = None
    address: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    result: str | None = None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as recorded."""

    event_id: UUID
    at: datetime
    kind: str
    result: str
    subject: UUID | None
    actor: UUID | None
    address: str | None
    detail: dict[str, str | int | bool]


async def add_event(tx: Tx, event_id: UUID, at: datetime, event: SecurityEvent) -> None:
    detail = orjson.dumps(dict(event.detail)).decode()
    await tx.execute(
        _SQL["add_event"], event_id, at, event.kind, event.result, event.subject, event.actor, event.address, detail
    )


async def events(tx: Tx, wanted: Filter, before: tuple[datetime, UUID] | None, limit: int) -> list[StoredEvent]:
    """Events, newest first; ``before`` is the sort key of the last one seen."""
    rows = await tx.fetch(
        _SQL["events"],
        wanted.kind,
        wanted.subject,
        wanted.address,
        wanted.since,
        wanted.until,
        wanted.result,
        *(before or (None, None)),
        limit,
    )
    return [StoredEvent(**{**row, "detail": orjson.loads(row["detail"])}) for row in rows]


async def staff_names(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Usernames by id of those who are members of staff."""
    rows = await tx.fetch(_SQL["staff_names"], list(ids))
    return {row["staff_id"]: row["username"] for row in rows}


async def purge_events(tx: Tx, before: datetime) -> int:
    """Delete events older than ``before``, and never those of the last thirty days; returns how many."""
    gone: int = await tx.fetchval(_SQL["purge_events"], before)
    return gone
