"""Routes of approvals: what waits for another site, its decision, and the volunteer's denial."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.activities.guards import STAFF
from services.recruitment.approvals import handlers
from services.recruitment.approvals.domain import AssertionCaps, Decision
from services.recruitment.approvals.store import ApprovalFilter, ListedApproval
from services.recruitment.attendance.api import RecordOut, record_out
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Input, Limit, Output
from shared.http.cursors import Page, decode, page_of
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["caps_of", "router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["approvals"])

Staff = Annotated[Caller, allow(*STAFF)]
Reader = Annotated[Caller, allow(Role.LEADER, *STAFF)]
Volunteer = Annotated[Caller, allow(Role.VOLUNTEER)]
Reason = Annotated[str, Field(min_length=1, max_length=500)]
MOST_RECORDS = 200


class ApprovalOut(Output):
    """A record that waits or waited for another site. Minutes are whole; ``overtime_minutes`` when only they wait."""

    approval_id: UUID
    record_id: UUID
    revision: int
    reasons: list[str]
    overtime_minutes: int
    opened_at: datetime
    lapses_at: datetime
    state: str
    decided_at: datetime | None
    decision_reason: str | None
    volunteer_number: str
    provenance: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    minutes: int
    recorded_by: UUID | None
    activity_id: UUID | None
    drive_id: UUID | None
    activity_title: str | None
    drive_name: str | None
    site_name: str | None
    team_name: str | None
    recorder_sites: list[str]
    has_evidence: bool


class DecisionIn(Input):
    """Up to 200 records, all decided alike, and why."""

    record_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_RECORDS)]
    decision: Literal["approve", "reject"]
    reason: Reason


class DecisionOut(Output):
    """The records as they stand after the decision."""

    records: list[RecordOut]


class DenialIn(Input):
    """A volunteer's denial: which part of the record is not true."""

    reason: Reason


@router.get("/attendance/approvals")
async def list_approvals(
    db: Db,
    caller: Reader,
    view: Literal["decidable", "recorded"] = "decidable",
    drive_id: UUID | None = None,
    activity_id: UUID | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[ApprovalOut]:
    """List the approvals that the caller may decide, oldest first, or their own submissions, newest first.

    ``drive_id`` and ``activity_id`` keep those of one drive or activity."""
    place, about = None, ApprovalFilter(drive_id, activity_id)
    if cursor is not None:
        at, last = decode(cursor, (datetime, UUID))
        place = (at, last)
    async with db.transaction() as tx:
        if view == "decidable":
            found = await handlers.decidable(tx, caller, about=about, after=place, limit=limit + 1)
        else:
            found = await handlers.recorded(tx, caller, about=about, before=place, limit=limit + 1)
    return page_of(found, limit, _approval, lambda each: (each.opened_at, each.approval_id))


@router.post("/attendance/approvals/decisions", status_code=201, response_model=DecisionOut)
async def decide(request: Request, db: Db, caller: Staff, body: DecisionIn) -> Response:
    """Approve or reject what another site recorded, all or none."""

    async def work(tx: Tx) -> DecisionOut:
        found = await handlers.decide(tx, caller, body.record_ids, Decision(body.decision), body.reason)
        return DecisionOut(records=[record_out(each) for each in found])

    return await once(request, db, caller, work)


@router.post("/attendance/records/{record_id}/denial", status_code=201, response_model=RecordOut)
async def deny(request: Request, db: Db, caller: Volunteer, record_id: UUID, body: DenialIn) -> Response:
    """Deny a record of one's own that another account asserted or changed, for 14 days."""

    async def work(tx: Tx) -> RecordOut:
        return record_out(await handlers.deny(tx, caller, record_id, body.reason))

    return await once(request, db, caller, work)


def caps_of(request: Request) -> AssertionCaps:
    """The caps of asserted minutes that the process is configured with."""
    settings = request.app.state.settings
    return AssertionCaps(settings.asserted_minutes_per_volunteer, settings.asserted_minutes_per_account)


def _approval(listed: ListedApproval) -> ApprovalOut:
    return ApprovalOut(**{name: getattr(listed, name) for name in ApprovalOut.model_fields})
