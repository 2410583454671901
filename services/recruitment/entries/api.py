"""The route of entries."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.activities.guards import STAFF
from services.recruitment.attendance.api import RecordOut, record_out
from services.recruitment.entries import handlers
from services.recruitment.entries.handlers import Statement
from services.recruitment.vault.api import CipherDep
from services.recruitment.volunteers.domain import stored_number
from shared.auth.access import allow
from shared.auth.tokens import Caller
from shared.http.app import Db, Input, Instant
from shared.http.idempotency import once
from shared.postgres import Tx
from shared.typed import VolunteerNumberText

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["corrections"])

Staff = Annotated[Caller, allow(*STAFF)]


class EntryIn(Input):
    """The times of service of a volunteer, why nothing recorded them, and what shows that they are right."""

    volunteer_number: VolunteerNumberText
    started_at: Instant
    ended_at: Instant
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    evidence: Annotated[str, Field(min_length=1, max_length=4000)]


@router.post("/shifts/{shift_id}/entries", status_code=201, response_model=RecordOut)
async def enter(request: Request, db: Db, cipher: CipherDep, caller: Staff, shift_id: UUID, body: EntryIn) -> Response:
    """Enter hours of a volunteer of whom the shift has no record; another site approves them."""
    number = stored_number(body.volunteer_number)
    said = Statement(number, body.started_at, body.ended_at, body.reason, body.evidence)

    async def work(tx: Tx) -> RecordOut:
        return record_out(await handlers.enter(tx, cipher, caller, shift_id, said))

    return await once(request, db, caller, work)
