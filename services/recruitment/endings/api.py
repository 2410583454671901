"""Routes of endings: previews, closing an activity, calling it or a shift off."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.access.sessions import SettingsDep
from services.recruitment.activities.api import ActivityOut, Runner, activity_out
from services.recruitment.editing.api import Version
from services.recruitment.endings import handlers
from services.recruitment.endings.domain import EndingPreview
from services.recruitment.orders.closing import close_activity as close_with_order
from services.recruitment.orders.policy import policy_of
from services.recruitment.scheduling.domain import CancelReason
from shared.http.app import Db, Input, Output
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["activities"])

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="The digest of the preview that was decided on.")]


class EndingPreviewOut(Output):
    """The change that an ending brings by now; ``digest`` names the state that it was read in.

    ``absent``: sign-ups without a record; ``waiting``: places in waitlists; ``open_minutes``: of open records, were
    they closed now; ``unconfirmed``: closed records that wait for a decision.
    """

    shifts: int
    absent: int
    waiting: int
    open_records: int
    open_minutes: int
    confirmed: int
    confirmed_minutes: int
    unconfirmed: int
    digest: str


class ActivityClosingIn(Input):
    """The result of an activity: residents served, in person-times; ``digest`` of the preview, if one was shown."""

    residents_served: Annotated[int, Field(ge=0, le=1_000_000)]
    note: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    digest: Digest | None = None


class CancellationIn(Input):
    """Why the shift is called off; ``digest`` of the preview, if one was shown."""

    version: Version
    reason: CancelReason
    digest: Digest | None = None


class ActivityCancellationIn(Input):
    """Why all that is left of the activity is called off, as it was previewed."""

    version: Version
    reason: CancelReason
    digest: Digest


@router.get("/shifts/{shift_id}/cancellation-preview")
async def preview_shift(db: Db, caller: Runner, shift_id: UUID) -> EndingPreviewOut:
    """Preview the change that calling a shift off brings by now."""
    async with db.transaction() as tx:
        return _preview(await handlers.preview_shift(tx, caller, shift_id))


@router.get("/activities/{activity_id}/cancellation-preview")
async def preview_call_off(db: Db, caller: Runner, activity_id: UUID) -> EndingPreviewOut:
    """Preview the change that calling off all shifts of an activity that are not over brings by now."""
    async with db.transaction() as tx:
        return _preview(await handlers.preview_call_off(tx, caller, activity_id))


@router.get("/activities/{activity_id}/closing-preview")
async def preview_close(db: Db, caller: Runner, activity_id: UUID) -> EndingPreviewOut:
    """Preview what an activity leaves behind once it is closed."""
    async with db.transaction() as tx:
        return _preview(await handlers.preview_close(tx, caller, activity_id))


@router.post("/shifts/{shift_id}/cancellation", response_model=ActivityOut)
async def call_off(request: Request, db: Db, caller: Runner, shift_id: UUID, body: CancellationIn) -> Response:
    """Call a shift off; answers the whole activity."""

    async def work(tx: Tx) -> ActivityOut:
        done = await handlers.call_off_shift(tx, caller, shift_id, body.version, body.reason, body.digest)
        return activity_out(done)

    return await once(request, db, caller, work, status=200)


@router.post("/activities/{activity_id}/cancellation", response_model=ActivityOut)
async def call_off_activity(
    request: Request, db: Db, caller: Runner, activity_id: UUID, body: ActivityCancellationIn
) -> Response:
    """Call off every shift of an activity that is not over, as it was previewed."""

    async def work(tx: Tx) -> ActivityOut:
        done = await handlers.call_off_activity(tx, caller, activity_id, body.version, body.reason, body.digest)
        return activity_out(done)

    return await once(request, db, caller, work, status=200)


@router.post("/activities/{activity_id}/close", response_model=ActivityOut)
async def close_activity(
    request: Request, db: Db, settings: SettingsDep, caller: Runner, activity_id: UUID, body: ActivityClosingIn
) -> Response:
    """Close an activity with the residents that it served; the order that it was planned for is completed with it."""
    policy = policy_of(settings)

    async def work(tx: Tx) -> ActivityOut:
        await handlers.require_closing_unchanged(tx, caller, activity_id, body.digest)
        closed = await close_with_order(tx, caller, policy, activity_id, body.residents_served, body.note)
        return activity_out(closed)

    return await once(request, db, caller, work, status=200)


def _preview(seen: EndingPreview) -> EndingPreviewOut:
    return EndingPreviewOut(**{name: getattr(seen, name) for name in EndingPreviewOut.model_fields})
