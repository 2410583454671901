"""HTTP of referrals: recorded and withdrawn by staff, never deleted."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.points.referrals import handlers, store
from services.points.referrals.domain import RecordedReferral
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http import cursors
from shared.http.app import Db, Input, Limit, Output
from shared.http.cursors import Page, page_of
from shared.http.idempotency import once
from shared.postgres import Tx

router = APIRouter(prefix="/api/points/v1", tags=["referrals"])

Staff = Annotated[Caller, allow(Role.STATION, Role.OPERATOR)]
Reason = Annotated[str, Field(min_length=1, max_length=500)]


class ReferralIn(Input):
    """A referral: the referrer and the new volunteer."""

    referrer_id: UUID
    referred_id: UUID


class ReferralWithdrawalIn(Input):
    """Why it does not stand."""

    reason: Reason


class ReferralOut(Output):
    """A referral; it stands unless ``withdrawn_at`` is set. The rule in force on ``day`` says what it is worth."""

    referral_id: UUID
    referrer_id: UUID
    referred_id: UUID
    day: date
    recorded_by: UUID
    recorded_at: datetime
    withdrawn_by: UUID | None
    withdrawn_at: datetime | None
    withdrawn_reason: str | None


def _referral(found: RecordedReferral) -> ReferralOut:
    return ReferralOut(**{name: getattr(found, name) for name in ReferralOut.model_fields})


@router.post("/referrals", status_code=201, response_model=ReferralOut)
async def refer(request: Request, db: Db, caller: Staff, body: ReferralIn) -> Response:
    """Record the referrer of a volunteer who has served since; the bonus of the rule is posted at once."""

    async def work(tx: Tx) -> ReferralOut:
        return _referral(await handlers.refer(tx, caller, body.referrer_id, body.referred_id))

    return await once(request, db, caller, work)


@router.get("/referrals")
async def list_referrals(
    db: Db, caller: Staff, referrer_id: UUID | None = None, cursor: str | None = None, limit: Limit = 50
) -> Page[ReferralOut]:
    """Referrals by volunteers of the caller's sites, newest first, of everybody or of one who brought people in."""
    before = None if cursor is None else cursors.decode(cursor, (UUID,))[0]
    async with db.snapshot() as tx:
        found = await store.newest(
            tx, before=before, limit=limit + 1, referrer_id=referrer_id, site_ids=caller.site_ids
        )
    return page_of(found, limit, _referral, lambda referral: (referral.referral_id,))


@router.post("/referrals/{referral_id}/withdraw", response_model=ReferralOut)
async def withdraw_referral(
    request: Request, db: Db, caller: Staff, referral_id: UUID, body: ReferralWithdrawalIn
) -> Response:
    """It was no referral; the bonus is taken back."""

    async def work(tx: Tx) -> ReferralOut:
        return _referral(await handlers.withdraw(tx, caller, referral_id, body.reason))

    return await once(request, db, caller, work, status=200)
