"""The inbox over HTTP: one's own messages only."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.notify.inbox import handlers, store
from services.notify.inbox.alerts import ENGINEERS
from services.notify.inbox.store import InboxItem
from services.notify.templates.domain import LOCALE
from services.notify.templates.handlers import Catalogue, load_catalogue
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Output
from shared.http.cursors import decode, encode
from shared.http.idempotency import once
from shared.postgres import Database, Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/notify/v1", tags=["inbox"])

Recipient = Annotated[
    Caller, allow(Role.VOLUNTEER, Role.RESIDENT, Role.STATION, Role.OPERATOR, Role.ENGINEER, Role.AUDITOR)
]
Language = Literal["zh-CN", "en"]


def _own(caller: Caller) -> UUID:
    """The recipient whose inbox the caller reads: their account as staff, else the volunteer or resident."""
    if caller.has(Role.STATION, Role.OPERATOR, Role.ENGINEER, Role.AUDITOR):
        return caller.subject
    if caller.resident_id is not None and not caller.has(Role.VOLUNTEER):
        return caller.resident_id
    return caller.require_volunteer()


def _role(caller: Caller) -> UUID | None:
    """The recipient whose messages the caller reads as well: alerts are the centre's; a volunteer is a resident too."""
    if caller.has(Role.VOLUNTEER):
        return caller.resident_id
    return ENGINEERS if caller.has(Role.ENGINEER) and caller.site_ids is None else None


class InboxItemOut(Output):
    """One message; ``kind`` is the name of its template."""

    message_id: UUID
    title: str
    body: str
    kind: str
    created_at: datetime
    read_at: datetime | None
    correlation_id: str


class InboxOut(Output):
    """A page of messages, newest first, and the number of unread ones in the whole inbox."""

    items: list[InboxItemOut]
    unread: int
    next_cursor: str | None


@router.get("/inbox")
async def list_inbox(
    request: Request,
    caller: Recipient,
    db: Db,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    language: Language = "zh-CN",
) -> InboxOut:
    """One's own messages, and an engineer's alerts, newest first; in English, names stay as they were typed."""
    recipient_id = _own(caller)
    after: tuple[datetime, UUID] | None = None
    if cursor is not None:
        at, message_id = decode(cursor, (datetime, UUID))
        after = (at, message_id)
    async with db.snapshot() as tx:
        items = await store.page(tx, recipient_id, after, limit + 1, _role(caller))
        unread = await store.unread(tx, recipient_id, _role(caller))
    more = len(items) > limit
    items = items[:limit]
    if language != LOCALE:
        catalogue = await _catalogue(request, db, language)
        items = [handlers.translated(item, catalogue) for item in items]
    return InboxOut(
        items=[_item(item) for item in items],
        unread=unread,
        next_cursor=encode(items[-1].created_at, items[-1].message_id) if more else None,
    )


@router.post("/inbox/{message_id}/read", response_model=InboxItemOut)
async def read_one(message_id: UUID, request: Request, caller: Recipient, db: Db) -> Response:
    """Mark one's own message read."""
    recipient_id = _own(caller)

    async def work(tx: Tx) -> InboxItemOut:
        return _item(await handlers.read_message(tx, message_id, recipient_id, _role(caller)))

    return await once(request, db, caller, work, status=200)


async def _catalogue(request: Request, db: Database, locale: str) -> Catalogue:
    """The catalogue of a locale, read once by each process: templates come with migrations."""
    known: dict[str, Catalogue] = request.app.state.__dict__.setdefault("catalogues", {})
    if locale not in known:
        known[locale] = await load_catalogue(db, locale)
    return known[locale]


def _item(item: InboxItem) -> InboxItemOut:
    return InboxItemOut(
        message_id=item.message_id,
        title=item.title,
        body=item.body,
        kind=item.template,
        created_at=item.created_at,
        read_at=item.read_at,
        correlation_id=item.correlation_id,
    )
