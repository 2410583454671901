"""Routes that change activities and shifts after planning."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.activities.api import ActivityOut, Runner, activity_out
from services.recruitment.editing.api import Version
from services.recruitment.scheduling import handlers
from shared.http.app import Db, Input
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["activities"])

_ABSENT: Any = Field(default=None)
"""The default of a field that may be left out, but not be null."""


class ActivityEditIn(Input):
    """Edits of an activity: all but the result until a shift begins, then place and texts; the result once closed."""

    version: Version
    title: Annotated[str, Field(min_length=1, max_length=200)] = _ABSENT
    theme_id: UUID = _ABSENT
    team_id: UUID = _ABSENT
    site_id: UUID = _ABSENT
    project_id: UUID | None = None
    kind: Annotated[str, Field(min_length=1, max_length=100)] = _ABSENT
    place: Annotated[str, Field(min_length=1, max_length=200)] = _ABSENT
    beneficiaries: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    content: Annotated[str, Field(min_length=1, max_length=4000)] | None = None
    person_in_charge: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    residents_served: Annotated[int, Field(ge=0, le=1_000_000)] = _ABSENT
    note: Annotated[str, Field(min_length=1, max_length=2000)] | None = None


class ShiftEditIn(Input):
    """A change of a shift; ``version`` is that of its activity. Times only before it begins."""

    version: Version
    starts_at: datetime = _ABSENT
    ends_at: datetime = _ABSENT
    capacity: Annotated[int, Field(ge=1, le=10_000)] = _ABSENT
    withdraw_minutes: Annotated[int, Field(ge=0, le=43_200)] = _ABSENT


class PostponementIn(Input):
    """The later start; the shift stays as long as it was."""

    version: Version
    starts_at: datetime


class ShorteningIn(Input):
    """The earlier end."""

    version: Version
    ends_at: datetime


@router.patch("/activities/{activity_id}")
async def edit_activity(db: Db, caller: Runner, activity_id: UUID, body: ActivityEditIn) -> ActivityOut:
    """Edit an activity; after its closing, correct the residents served."""
    edits = body.model_dump(exclude_unset=True)
    seen = edits.pop("version")
    async with db.transaction() as tx:
        return activity_out(await handlers.edit_activity(tx, caller, activity_id, seen, edits))


@router.patch("/shifts/{shift_id}")
async def edit_shift(db: Db, caller: Runner, shift_id: UUID, body: ShiftEditIn) -> ActivityOut:
    """Edit a shift before it begins; answers the whole activity."""
    edits = body.model_dump(exclude_unset=True)
    seen = edits.pop("version")
    async with db.transaction() as tx:
        return activity_out(await handlers.edit_shift(tx, caller, shift_id, seen, edits))


@router.post("/shifts/{shift_id}/postponement", response_model=ActivityOut)
async def postpone(request: Request, db: Db, caller: Runner, shift_id: UUID, body: PostponementIn) -> Response:
    """Hold a shift later; answers the whole activity."""

    async def work(tx: Tx) -> ActivityOut:
        return activity_out(await handlers.postpone(tx, caller, shift_id, body.version, body.starts_at))

    return await once(request, db, caller, work, status=200)


@router.post("/shifts/{shift_id}/shortening", response_model=ActivityOut)
async def shorten(request: Request, db: Db, caller: Runner, shift_id: UUID, body: ShorteningIn) -> Response:
    """End a shift earlier; answers the whole activity."""

    async def work(tx: Tx) -> ActivityOut:
        return activity_out(await handlers.shorten(tx, caller, shift_id, body.version, body.ends_at))

    return await once(request, db, caller, work, status=200)
