"""How many messages reached whom by which channel."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter

from services.notify.deliveries import store
from services.notify.deliveries.domain import EndedDelivery
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Limit, Output
from shared.http.cursors import Page, decode, page_of
from shared.operators.common import Watcher

__all__ = ["router"]

router = APIRouter(prefix="/api/notify/v1", tags=["deliveries"])


class DeliveryCountOut(Output):
    """Deliveries of one channel in one state.

    ``refused``: by the recipient's server; ``undelivered``: deferred for two days; ``undeliverable``: the address
    cannot be written to; ``unknown``: sent without an answer, and not sent again.
    """

    channel: str
    status: str
    count: int


class KindCountOut(Output):
    """Messages of one kind, and how many of them were read."""

    kind: str
    count: int
    read: int


class MessagesReportOut(Output):
    """All messages: one per event and volunteer, however many channels it went through."""

    messages: int
    deliveries: list[DeliveryCountOut]
    kinds: list[KindCountOut]


@router.get("/reports/messages")
async def report(
    caller: Annotated[Caller, allow(Role.OPERATOR, Role.ENGINEER, Role.AUDITOR)], db: Db
) -> MessagesReportOut:
    """Counts by channel and state, and by kind."""
    async with db.snapshot() as tx:
        counts = await store.counts(tx)
        kinds = await store.message_counts(tx)
    return MessagesReportOut(
        messages=sum(number for _, number, _ in kinds),
        deliveries=[DeliveryCountOut(channel=c, status=s, count=n) for c, s, n in counts],
        kinds=[KindCountOut(kind=k, count=n, read=r) for k, n, r in kinds],
    )


NotSent = Literal["unknown", "refused", "undelivered", "undeliverable", "no_address"]


class DeliveryOut(Output):
    """A delivery that did not surely arrive.

    ``reason`` is a code or class of failure of its last attempt; the recipient is not named.
    """

    event_id: UUID
    channel: str
    status: NotSent
    kind: str
    attempts: int
    reason: str | None
    updated_at: datetime
    correlation_id: str


@router.get("/deliveries")
async def list_deliveries(
    db: Db, _: Watcher, status: NotSent = "unknown", cursor: str | None = None, limit: Limit = 50
) -> Page[DeliveryOut]:
    """Deliveries that did not surely arrive, the newest first."""
    place = None if cursor is None else decode(cursor, (datetime, UUID, UUID))
    before = None if place is None else (place[0], place[1], place[2])
    async with db.snapshot() as tx:
        found = await store.not_sent(tx, status, before=before, limit=limit + 1)
    return page_of(found, limit, _out, lambda one: (one.updated_at, one.event_id, one.recipient_id))


def _out(one: EndedDelivery) -> DeliveryOut:
    return DeliveryOut.model_validate(
        {
            "event_id": one.event_id,
            "channel": one.channel,
            "status": one.status,
            "kind": one.template,
            "attempts": one.attempts,
            "reason": one.reason,
            "updated_at": one.updated_at,
            "correlation_id": one.correlation_id,
        }
    )
