"""Routes of messages to the people of a shift."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import AfterValidator, Field
from starlette.responses import Response

from services.recruitment.signups.api import Anyone, Runner
from services.recruitment.signups.messages import handlers
from services.recruitment.signups.messages.domain import MessageKind, ShiftMessage
from services.recruitment.vault.api import CipherDep
from shared.http.app import Db, Input, Output
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["signups"])

LONGEST = 200
"""Characters of own words."""


def _stripped(words: str | None) -> str | None:
    return (words or "").strip() or None


class ShiftMessageIn(Input):
    """The subject of a message, and own words in addition; ``other`` needs words."""

    kind: MessageKind
    words: Annotated[str | None, Field(max_length=LONGEST), AfterValidator(_stripped)] = None


class ShiftMessageOut(Output):
    """A message to the people of a shift; ``by_staff`` false: it came from the team's leader."""

    message_id: UUID
    kind: MessageKind
    words: str | None
    by_staff: bool
    sent_at: datetime
    recipients: int


class ShiftMessagesOut(Output):
    """The messages of a shift, newest first."""

    items: list[ShiftMessageOut]


@router.post("/shifts/{shift_id}/messages", status_code=201, response_model=ShiftMessageOut)
async def send_message(
    request: Request, db: Db, cipher: CipherDep, caller: Runner, shift_id: UUID, body: ShiftMessageIn
) -> Response:
    """Send a message to all who have a place in a shift or a record of it, once each."""

    async def work(tx: Tx) -> ShiftMessageOut:
        sent = await handlers.send(tx, cipher, caller, shift_id, body.kind, body.words)
        # The answer is stored for repeated calls, and own words lie sealed only.
        return _message(replace(sent, words=None))

    return await once(request, db, caller, work)


@router.get("/shifts/{shift_id}/messages")
async def list_messages(db: Db, cipher: CipherDep, caller: Anyone, shift_id: UUID) -> ShiftMessagesOut:
    """The messages of a shift, for those who run it and those whom they were sent to."""
    async with db.transaction() as tx:
        return ShiftMessagesOut(items=[_message(one) for one in await handlers.listing(tx, cipher, caller, shift_id)])


def _message(message: ShiftMessage) -> ShiftMessageOut:
    return ShiftMessageOut(**{name: getattr(message, name) for name in ShiftMessageOut.model_fields})
