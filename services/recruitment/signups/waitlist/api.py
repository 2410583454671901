"""Routes of waitlists."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.signups.api import Anyone, SignupIn, SignupOut, Volunteer, admission_of, signup_out
from services.recruitment.signups.waitlist import handlers
from services.recruitment.signups.waitlist.domain import EntryStatus, SkipReason, WaitlistEntry
from services.recruitment.signups.waitlist.store import OwnEntry
from services.recruitment.vault.api import CipherDep
from shared.http.app import Db, Limit, Output
from shared.http.cursors import Page, decode, page_of
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["signups"])


class WaitlistEntryOut(Output):
    """A position in the waitlist of a shift; ``rank`` counts from 1 and is null once the entry has ended."""

    entry_id: UUID
    shift_id: UUID
    volunteer_id: UUID
    status: EntryStatus
    rank: Annotated[int, Field(ge=1)] | None
    joined_at: datetime
    offer_until: datetime | None


class JoiningOut(Output):
    """Either the place that was free, or the entry in the waitlist."""

    signup: SignupOut | None
    entry: WaitlistEntryOut | None


class OwnEntryOut(WaitlistEntryOut):
    """An entry with what, where and when; ``skipped`` is why a free place went to the next."""

    skipped: SkipReason | None
    signup_id: UUID | None
    ended_at: datetime | None
    activity_id: UUID
    title: str
    place: str
    site_id: UUID
    site_name: str
    starts_at: datetime
    ends_at: datetime


@router.post("/shifts/{shift_id}/waitlist", status_code=201, response_model=JoiningOut)
async def join_waitlist(
    request: Request, db: Db, cipher: CipherDep, caller: Anyone, shift_id: UUID, body: SignupIn
) -> Response:
    """Take a place in a shift if one is free, else join its waitlist."""

    async def work(tx: Tx) -> JoiningOut:
        signup, entry, rank = await handlers.join(
            tx, caller, shift_id, body.volunteer_id, admission_of(request, cipher)
        )
        return JoiningOut(
            signup=None if signup is None else signup_out(signup), entry=None if entry is None else _entry(entry, rank)
        )

    return await once(request, db, caller, work)


@router.get("/waitlist")
async def list_own_entries(
    db: Db, caller: Volunteer, live: bool = False, cursor: str | None = None, limit: Limit = 50
) -> Page[OwnEntryOut]:
    """The caller's own entries in waitlists, newest first; ``live``: those that still wait only."""
    before = None if cursor is None else decode(cursor, (UUID,))[0]
    async with db.transaction() as tx:
        found = await handlers.own(tx, caller.require_volunteer(), live=live, before=before, limit=limit + 1)
    return page_of(found, limit, _own, lambda each: (each.entry_id,))


@router.post("/waitlist/{entry_id}/acceptance", status_code=201, response_model=SignupOut)
async def accept_offer(request: Request, db: Db, caller: Anyone, entry_id: UUID) -> Response:
    """Take the place that is offered."""

    async def work(tx: Tx) -> SignupOut:
        return signup_out(await handlers.accept(tx, caller, entry_id))

    return await once(request, db, caller, work)


@router.post("/waitlist/{entry_id}/withdrawal", response_model=WaitlistEntryOut)
async def withdraw(request: Request, db: Db, caller: Anyone, entry_id: UUID) -> Response:
    """Leave a waitlist, or decline the place that is offered."""

    async def work(tx: Tx) -> WaitlistEntryOut:
        return _entry(await handlers.withdraw(tx, caller, entry_id), None)

    return await once(request, db, caller, work, status=200)


def _entry(entry: WaitlistEntry, rank: int | None) -> WaitlistEntryOut:
    names = [name for name in WaitlistEntryOut.model_fields if name != "rank"]
    return WaitlistEntryOut(**{name: getattr(entry, name) for name in names}, rank=rank)


def _own(entry: OwnEntry) -> OwnEntryOut:
    return OwnEntryOut(**{name: getattr(entry, name) for name in OwnEntryOut.model_fields})
