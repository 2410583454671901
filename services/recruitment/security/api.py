"""The route of the security log, and the caller's address for all who record in it."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.recruitment.security import handlers
from services.recruitment.security.handlers import Filter, Kind, SecurityResult, StoredEvent
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http.address import client_address
from shared.http.app import Db, Instant, Limit, Output
from shared.http.cursors import Page, decode, encode

__all__ = ["AddressDep", "router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["security"])


async def _address(request: Request) -> str:
    return client_address(request)


AddressDep = Annotated[str, Depends(_address)]
"""The address that the request comes from, as the security log and the limits count it."""


class SecurityEventOut(Output):
    """An event; ``subject_name`` and ``actor_name`` are usernames of staff, null for everybody else."""

    event_id: UUID
    at: datetime
    kind: str
    result: str
    subject: UUID | None
    subject_name: str | None
    actor: UUID | None
    actor_name: str | None
    address: str | None
    detail: dict[str, str | int | bool]


@router.get("/security/events")
async def security_events(
    caller: Annotated[Caller, allow(Role.OPERATOR, centre=True)],
    db: Db,
    kind: Kind | None = None,
    subject: UUID | None = None,
    address: Annotated[str | None, Query(max_length=64)] = None,
    result: SecurityResult | None = None,
    since: Annotated[Instant | None, Query(alias="from")] = None,
    until: Annotated[Instant | None, Query(alias="to")] = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[SecurityEventOut]:
    """The security log, newest first; ``to`` is exclusive, ``subject`` matches who acted, too."""
    at, event_id = (None, None) if cursor is None else decode(cursor, [datetime, UUID])
    before = None if at is None else (at, event_id)
    wanted = Filter(kind, subject, address, since, until, result)
    async with db.transaction() as tx:
        found, names = await handlers.list_events(tx, wanted, before, limit + 1)
    shown = found[:limit]
    following = encode(shown[-1].at, shown[-1].event_id) if len(found) > limit else None
    return Page(items=[_event(event, names) for event in shown], next_cursor=following)


def _event(event: StoredEvent, names: dict[UUID, str]) -> SecurityEventOut:
    return SecurityEventOut(
        **asdict(event),
        subject_name=None if event.subject is None else names.get(event.subject),
        actor_name=None if event.actor is None else names.get(event.actor),
    )
