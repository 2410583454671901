"""Routes of rectifications."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.activities.guards import STAFF
from services.recruitment.rectifications import handlers
from services.recruitment.rectifications.domain import Rectification, RectificationOutcome
from services.recruitment.rectifications.handlers import View
from services.recruitment.vault.api import CipherDep
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Input, Limit, Output
from shared.http.cursors import Page, decode, page_of
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["attendance"])

Volunteer = Annotated[Caller, allow(Role.VOLUNTEER)]
Staff = Annotated[Caller, allow(*STAFF)]
Reader = Annotated[Caller, allow(Role.VOLUNTEER, *STAFF)]
Words = Annotated[str, Field(min_length=1, max_length=500)]


class RectificationIn(Input):
    """The error of the caller's record of the shift in their own words, also that there is none."""

    words: Words


class RectificationAnswerIn(Input):
    """Whether the record was put right, and what the volunteer is to know about it."""

    outcome: RectificationOutcome
    words: Words


class RectificationIdOut(Output):
    """The request; its words lie sealed and are read in the list alone."""

    rectification_id: UUID


class RectificationOut(Output):
    """A volunteer's request about a shift, and the site's answer."""

    rectification_id: UUID
    shift_id: UUID
    site_id: UUID
    volunteer_id: UUID
    volunteer_number: str
    title: str
    starts_at: datetime
    ends_at: datetime
    asked_at: datetime
    words: str | None
    outcome: RectificationOutcome | None
    answer: str | None
    answered_at: datetime | None


@router.post("/shifts/{shift_id}/rectifications", status_code=201, response_model=RectificationIdOut)
async def ask(
    request: Request, db: Db, cipher: CipherDep, caller: Volunteer, shift_id: UUID, body: RectificationIn
) -> Response:
    """Point out an error of one's own record of a shift, or that there is none."""

    async def work(tx: Tx) -> RectificationIdOut:
        return RectificationIdOut(rectification_id=await handlers.ask(tx, cipher, caller, shift_id, body.words))

    return await once(request, db, caller, work)


@router.get("/rectifications")
async def list_rectifications(
    db: Db,
    cipher: CipherDep,
    caller: Reader,
    view: View = "own",
    shift_id: UUID | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[RectificationOut]:
    """Requests, newest first: one's own, or those of the caller's sites, open or answered."""
    before = None
    if cursor is not None:
        at, last = decode(cursor, (datetime, UUID))
        before = (at, last)
    async with db.transaction() as tx:
        found = await handlers.listing(tx, cipher, caller, view, shift_id=shift_id, before=before, limit=limit + 1)
    return page_of(found, limit, _asked, lambda each: (each.asked_at, each.rectification_id))


@router.post("/rectifications/{rectification_id}/answer", response_model=RectificationIdOut)
async def answer(
    request: Request, db: Db, cipher: CipherDep, caller: Staff, rectification_id: UUID, body: RectificationAnswerIn
) -> Response:
    """Answer a request."""

    async def work(tx: Tx) -> RectificationIdOut:
        done = await handlers.answer(tx, cipher, caller, rectification_id, body.outcome, body.words)
        return RectificationIdOut(rectification_id=done)

    return await once(request, db, caller, work, status=200)


def _asked(found: Rectification) -> RectificationOut:
    return RectificationOut(**{name: getattr(found, name) for name in RectificationOut.model_fields})
