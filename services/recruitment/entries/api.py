"""The route of entries."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.activities.guards import STAFF
from services.recruitment.attendance.api import RecordOut, record_out
from services.recruitment.entries import handlers
from services.recruitment.entries.handlers import EntryOutcome, Statement
from services.recruitment.vault.api import CipherDep
from services.recruitment.volunteers.domain import stored_number
from shared.auth.access import allow
from shared.auth.tokens import Caller
from shared.http.app import Db, Input, Instant, Output
from shared.http.idempotency import once
from shared.postgres import Tx
from shared.typed import VolunteerNumberText

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["corrections"])

Staff = Annotated[Caller, allow(*STAFF)]


MOST_ENTRIES = 50


class EntriesIn(Input):
    """The times of service of up to 50 volunteers, why nothing recorded them, and what shows that they are right.

    With ``all_or_none`` nothing is entered unless the hours of every volunteer can be.
    """

    volunteer_numbers: Annotated[list[VolunteerNumberText], Field(min_length=1, max_length=MOST_ENTRIES)]
    started_at: Instant
    ended_at: Instant
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    evidence: Annotated[str, Field(min_length=1, max_length=4000)]
    all_or_none: bool = False


class EntryOut(Output):
    """A volunteer's record, or the type of the refusal and a sentence; neither when others' refusals kept it out."""

    volunteer_number: str
    record: RecordOut | None
    type: str | None
    detail: str | None


class EntriesOut(Output):
    """The outcome for each volunteer."""

    items: list[EntryOut]


@router.post("/shifts/{shift_id}/entries", status_code=201, response_model=EntriesOut)
async def enter(
    request: Request, db: Db, cipher: CipherDep, caller: Staff, shift_id: UUID, body: EntriesIn
) -> Response:
    """Enter hours of volunteers of whom the shift has no record; another site approves them.

    Those whose hours cannot be entered are named with the reason.
    """
    numbers = [stored_number(number) for number in body.volunteer_numbers]
    said = Statement(body.started_at, body.ended_at, body.reason, body.evidence)

    async def work(tx: Tx) -> EntriesOut:
        found = await handlers.enter(tx, cipher, caller, shift_id, numbers, said, all_or_none=body.all_or_none)
        return EntriesOut(items=[_entry(each) for each in found])

    return await once(request, db, caller, work)


def _entry(outcome: EntryOutcome) -> EntryOut:
    return EntryOut(
        volunteer_number=outcome.volunteer_number,
        record=None if outcome.record is None else record_out(outcome.record),
        type=None if outcome.refused is None else outcome.refused.slug,
        detail=None if outcome.refused is None else outcome.refused.detail,
    )
