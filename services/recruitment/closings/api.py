"""The route of answers about automatic closes."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.recruitment.closings import handlers
from services.recruitment.closings.domain import WhenLeft
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Input, Output
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["attendance"])

Volunteer = Annotated[Caller, allow(Role.VOLUNTEER)]


class ClosingAnswerIn(Input):
    """The end of the volunteer's service; ``left_at`` with ``left``."""

    answer: WhenLeft
    left_at: datetime | None = None


class ClosingAnswerOut(Output):
    """The answer as it is shown to the site."""

    record_id: UUID
    answer: WhenLeft
    left_at: datetime | None
    answered_at: datetime


@router.post("/attendance/records/{record_id}/answer", response_model=ClosingAnswerOut)
async def answer_closing(
    request: Request, db: Db, caller: Volunteer, record_id: UUID, body: ClosingAnswerIn
) -> Response:
    """Say when one left, of a record that was closed automatically; the site decides with it."""

    async def work(tx: Tx) -> ClosingAnswerOut:
        kept = await handlers.answer(tx, caller, record_id, body.answer, body.left_at)
        return ClosingAnswerOut(**{name: getattr(kept, name) for name in ClosingAnswerOut.model_fields})

    return await once(request, db, caller, work, status=200)
