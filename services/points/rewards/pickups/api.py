"""HTTP of pickup by code."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.points.rewards.api import CaptureIn, RedemptionOut, redemption_view
from services.points.rewards.pickups import handlers
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.clock import real_now
from shared.errors import Refusal
from shared.http.app import Db
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/points/v1", tags=["rewards"])


class CaptureByCodeIn(CaptureIn):
    """The code that the volunteer shows, and the counter where it is shown."""

    site_id: Annotated[UUID | None, Field(description="refuse what is to be fetched at another site")] = None


@router.post("/redemptions/captures", response_model=RedemptionOut)
async def capture(
    request: Request,
    db: Db,
    caller: Annotated[Caller, allow(Role.STATION, Role.OPERATOR)],
    body: CaptureByCodeIn,
) -> Response:
    """Hand an item over against its code alone, at one of the caller's sites; 20 wrong codes in 15 minutes lock."""
    async with db.transaction() as tx:
        window = await handlers.spend_guess(tx, caller, real_now())

    async def release() -> None:
        async with db.transaction() as tx:
            await handlers.give_guess_back(tx, caller, window)

    async def work(tx: Tx) -> RedemptionOut:
        return redemption_view(await handlers.capture(tx, caller, body.pickup_code, body.site_id, real_now()))

    try:
        answer = await once(request, db, caller, work, status=200)
    except Refusal as refusal:
        if not handlers.was_wrong(refusal):
            await release()
        raise
    await release()
    return answer
