"""HTTP of complaints: recorded and withdrawn by operators, never deleted."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field, model_validator

from services.points.complaints import handlers, store
from services.points.complaints.domain import Complaint
from services.points.dependencies import PolicyInForce
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http import cursors
from shared.http.app import Db, Input, Limit, Output
from shared.http.cursors import Page, page_of
from shared.http.idempotency import once
from shared.postgres import Tx

router = APIRouter(prefix="/api/points/v1", tags=["complaints"])

Operator = Annotated[Caller, allow(Role.OPERATOR)]
Reason = Annotated[str, Field(min_length=1, max_length=500)]


class ComplaintIn(Input):
    """A complaint about one record, or about all records of an activity."""

    activity_id: UUID | None = None
    record_id: UUID | None = None
    reason: Reason

    @model_validator(mode="after")
    def _names_one(self) -> "ComplaintIn":
        if (self.activity_id is None) == (self.record_id is None):
            raise ValueError("name either activity_id or record_id")
        return self


class ComplaintWithdrawalIn(Input):
    """Why it does not stand."""

    reason: Reason


class ComplaintOut(Output):
    """A complaint; it stands unless ``withdrawn_at`` is set."""

    complaint_id: UUID
    activity_id: UUID | None
    record_id: UUID | None
    reason: str
    recorded_by: UUID
    recorded_at: datetime
    withdrawn_by: UUID | None
    withdrawn_at: datetime | None
    withdrawn_reason: str | None


def _complaint(found: Complaint) -> ComplaintOut:
    return ComplaintOut(**{name: getattr(found, name) for name in ComplaintOut.model_fields})


@router.post("/complaints", status_code=201, response_model=ComplaintOut)
async def complain(request: Request, db: Db, caller: Operator, policy: PolicyInForce, body: ComplaintIn) -> Response:
    """Record a complaint; points that it takes away under the rule are reversed at once."""

    async def work(tx: Tx) -> ComplaintOut:
        return _complaint(
            await handlers.complain(
                tx, caller, policy, activity_id=body.activity_id, record_id=body.record_id, reason=body.reason
            )
        )

    return await once(request, db, caller, work)


@router.get("/complaints")
async def list_complaints(db: Db, caller: Operator, cursor: str | None = None, limit: Limit = 50) -> Page[ComplaintOut]:
    """Complaints about service at the caller's sites, newest first."""
    before = None if cursor is None else cursors.decode(cursor, (UUID,))[0]
    async with db.snapshot() as tx:
        found = await store.newest(tx, before=before, limit=limit + 1, site_ids=caller.site_ids)
    return page_of(found, limit, _complaint, lambda complaint: (complaint.complaint_id,))


@router.post("/complaints/{complaint_id}/withdraw", response_model=ComplaintOut)
async def withdraw_complaint(
    request: Request, db: Db, caller: Operator, policy: PolicyInForce, complaint_id: UUID, body: ComplaintWithdrawalIn
) -> Response:
    """The complaint does not stand; points come back."""

    async def work(tx: Tx) -> ComplaintOut:
        return _complaint(await handlers.withdraw(tx, caller, complaint_id, body.reason, policy))

    return await once(request, db, caller, work, status=200)
