"""Use cases of the security log: record, list, purge."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from services.recruitment.security import store
from services.recruitment.security.domain import Kind, SecurityEvent, SecurityResult
from services.recruitment.security.store import Filter, StoredEvent
from shared.clock import real_now
from shared.ids import new_id
from shared.postgres import Database, Tx

__all__ = [
    "Filter",
    "Kind",
    "SecurityEvent",
    "SecurityResult",
    "StoredEvent",
    "list_events",
    "purge",
    "record",
    "record_apart",
]

_log = structlog.get_logger("security")


async def record(tx: Tx, event: SecurityEvent) -> None:
    """Record an event in the transaction of what it reports; it stands only if that commits."""
    await store.add_event(tx, new_id(), real_now(), event)
    _say(event)


async def record_apart(db: Database, event: SecurityEvent) -> None:
    """Record an event in a short transaction of its own: for refusals, whose own transaction rolls back.

    Raises:
        TransientError: the database is away.
    """
    async with db.transaction() as tx:
        await record(tx, event)


async def list_events(
    tx: Tx, wanted: Filter, before: tuple[datetime, UUID] | None, limit: int
) -> tuple[list[StoredEvent], dict[UUID, str]]:
    """Events, newest first, and the usernames of the members of staff among their people."""
    found = await store.events(tx, wanted, before, limit)
    people = {person for event in found for person in (event.subject, event.actor) if person is not None}
    return found, await store.staff_names(tx, sorted(people))


async def purge(tx: Tx, kept: timedelta) -> int:
    """Delete events older than ``kept``; returns how many."""
    return await store.purge_events(tx, real_now() - kept)


def _say(event: SecurityEvent) -> None:
    _log.info(
        "security.recorded",
        kind=str(event.kind),
        result=str(event.result),
        subject=None if event.subject is None else str(event.subject),
        actor=None if event.actor is None else str(event.actor),
        client=event.address,
        detail=dict(event.detail),
    )
