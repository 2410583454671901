"""HTTP of proposed complaints: what residents complained about, for the people who decide."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.points.complaints.proposals import handlers, store
from services.points.complaints.proposals.store import ProposedComplaint
from services.points.dependencies import PolicyInForce
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http import cursors
from shared.http.app import Db, Input, Limit, Output
from shared.http.cursors import Page, page_of
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/points/v1", tags=["complaints"])

Operator = Annotated[Caller, allow(Role.OPERATOR)]


class ComplaintProposalOut(Output):
    """A resident's complaint in the rating of an order; ``complaint_id`` is set once it was recorded.

    ``withdrawn_at`` is set once the recorded complaint was withdrawn.
    """

    proposal_id: UUID
    order_id: UUID | None
    activity_id: UUID
    site_id: UUID
    stars: int
    proposed_at: datetime
    state: Literal["open", "recorded", "dismissed"]
    complaint_id: UUID | None
    reason: str | None
    decided_by: UUID | None
    decided_at: datetime | None
    withdrawn_at: datetime | None


class ComplaintDecisionIn(Input):
    """Whether it is recorded as a complaint, and why."""

    decision: Literal["record", "dismiss"]
    reason: Annotated[str, Field(min_length=1, max_length=500)]


def _proposal(found: ProposedComplaint) -> ComplaintProposalOut:
    return ComplaintProposalOut.model_validate(found, from_attributes=True)


@router.get("/complaints/proposals")
async def list_proposals(
    db: Db,
    caller: Operator,
    view: Literal["open", "decided"] = "open",
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[ComplaintProposalOut]:
    """Complaints of residents at the caller's sites that wait for a decision, or were decided, newest first."""
    before = None if cursor is None else cursors.decode(cursor, (UUID,))[0]
    async with db.snapshot() as tx:
        found = await store.list_proposals(tx, caller.site_ids, before, limit + 1, waiting=view == "open")
    return page_of(found, limit, _proposal, lambda each: (each.proposal_id,))


@router.post("/complaints/proposals/{proposal_id}/decision", response_model=ComplaintProposalOut)
async def decide_proposal(
    request: Request, db: Db, caller: Operator, policy: PolicyInForce, proposal_id: UUID, body: ComplaintDecisionIn
) -> Response:
    """Record a resident's complaint, which takes points away under the rule, or dismiss it."""

    async def work(tx: Tx) -> ComplaintProposalOut:
        record = body.decision == "record"
        return _proposal(await handlers.decide(tx, caller, policy, proposal_id, record=record, reason=body.reason))

    return await once(request, db, caller, work, status=200)
