"""How many messages reached whom by which channel."""

from typing import Annotated

from fastapi import APIRouter

from services.notify.deliveries import store
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Output

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
