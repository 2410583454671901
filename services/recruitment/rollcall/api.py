"""The route of the roll-call."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.activities.api import Runner
from services.recruitment.approvals.api import caps_of
from services.recruitment.attendance.api import RecordOut, record_out
from services.recruitment.rollcall import handlers
from services.recruitment.rollcall.domain import Tick
from services.recruitment.rollcall.handlers import TickOutcome
from services.recruitment.volunteers.domain import stored_number
from shared.http.app import Db, Input, Output
from shared.http.idempotency import once
from shared.postgres import Tx
from shared.typed import VolunteerNumberText

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["attendance"])

MOST_TICKS = 200


class RollCallIn(Input):
    """Volunteers who are there (``in``) or leave (``out``), by number, at the moment of the call."""

    tick: Tick
    volunteer_numbers: Annotated[list[VolunteerNumberText], Field(min_length=1, max_length=MOST_TICKS)]


class TickOut(Output):
    """A volunteer who was recorded; ``waits_for``: why another site must approve the record before it counts."""

    volunteer_number: str
    record: RecordOut
    waits_for: list[str]


class RefusedTickOut(Output):
    """A volunteer who was not recorded: the type of the refusal, and a sentence."""

    volunteer_number: str
    type: str
    detail: str


class RollCallOut(Output):
    """The outcome of a roll-call."""

    recorded: list[TickOut]
    refused: list[RefusedTickOut]


@router.post("/shifts/{shift_id}/roll-call", status_code=201, response_model=RollCallOut)
async def call_roll(request: Request, db: Db, caller: Runner, shift_id: UUID, body: RollCallIn) -> Response:
    """Record now, on the caller's word, that volunteers are at a shift or leave it.

    Those who cannot be recorded are named with the reason; the others are recorded all the same.
    """

    async def work(tx: Tx) -> RollCallOut:
        numbers = [stored_number(number) for number in body.volunteer_numbers]
        return _result(await handlers.call_roll(tx, caller, shift_id, body.tick, numbers, caps_of(request)))

    return await once(request, db, caller, work)


def _result(outcomes: list[TickOutcome]) -> RollCallOut:
    return RollCallOut(
        recorded=[
            TickOut(
                volunteer_number=each.volunteer_number,
                record=record_out(each.record),
                waits_for=[str(reason) for reason in each.waits_for],
            )
            for each in outcomes
            if each.record is not None
        ],
        refused=[
            RefusedTickOut(volunteer_number=each.volunteer_number, type=each.refused.slug, detail=each.refused.detail)
            for each in outcomes
            if each.refused is not None
        ],
    )
