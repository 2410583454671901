"""HTTP of manual adjustments: two operators, a reason and evidence."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, model_validator

from services.points.adjustments import handlers, store
from services.points.adjustments.domain import Adjustment, AdjustmentStatus
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http import cursors
from shared.http.app import Db, Input, Limit, Output
from shared.http.cursors import Page, page_of
from shared.http.idempotency import once
from shared.postgres import Tx
from shared.sealing import TextCipher

router = APIRouter(prefix="/api/points/v1", tags=["adjustments"])

Operator = Annotated[Caller, allow(Role.OPERATOR)]


async def _cipher(request: Request) -> TextCipher:
    cipher: TextCipher = request.app.state.evidence_cipher
    return cipher


Cipher = Annotated[TextCipher, Depends(_cipher)]
Text = Annotated[str, Field(min_length=1, max_length=1000)]


class AdjustmentIn(Input):
    """Points to give; below zero only with `corrects`, an approved adjustment of which to take back."""

    volunteer_id: UUID
    points: Annotated[int, Field(ge=-1_000_000, le=1_000_000)]
    reason: Text
    evidence: Text
    corrects: UUID | None = None

    @model_validator(mode="after")
    def _moves_something(self) -> "AdjustmentIn":
        if self.points == 0:
            raise ValueError("points must not be 0")
        return self


class AdjustmentDecisionIn(Input):
    """The reason for a decision."""

    note: Text


class AdjustmentWithdrawalIn(Input):
    """Nothing needs to be said."""

    note: Annotated[str, Field(max_length=1000)] = ""


class AdjustmentOut(Output):
    """An adjustment and where it stands. ``evidence`` and ``decision_note`` are null once they were erased."""

    adjustment_id: UUID
    volunteer_id: UUID
    points: int
    corrects: UUID | None
    reason: str
    evidence: str | None
    status: AdjustmentStatus
    proposed_by: UUID
    proposed_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    decision_note: str | None
    correlation_id: str


class AdjustmentPostedOut(Output):
    """A transfer that an approval led to."""

    transfer_id: int
    posted_at: datetime
    code: str
    amount: int
    debit: str
    credit: str


class AdjustmentDetailOut(AdjustmentOut):
    """An adjustment and what its approval posted."""

    posted: list[AdjustmentPostedOut]


def _view(cipher: TextCipher, found: Adjustment) -> AdjustmentOut:
    values = {name: getattr(found, name) for name in AdjustmentOut.model_fields}
    opened = {"evidence": handlers.evidence_of(cipher, found), "decision_note": handlers.note_of(cipher, found)}
    return AdjustmentOut(**{**values, **opened})


@router.post("/adjustments", status_code=201, response_model=AdjustmentOut)
async def propose(request: Request, db: Db, cipher: Cipher, caller: Operator, body: AdjustmentIn) -> Response:
    """Propose an adjustment; it moves nothing until another operator approves it."""

    async def work(tx: Tx) -> AdjustmentOut:
        proposed = await handlers.propose(
            tx, cipher, caller, body.volunteer_id, body.points, body.reason, body.evidence, body.corrects
        )
        return _view(cipher, proposed)

    return await once(request, db, caller, work)


@router.get("/adjustments")
async def list_adjustments(
    db: Db,
    cipher: Cipher,
    caller: Operator,
    volunteer_id: UUID | None = None,
    status: AdjustmentStatus | None = None,
    corrects: UUID | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[AdjustmentOut]:
    """Adjustments of volunteers within the caller's bounds, newest first."""
    before = None if cursor is None else cursors.decode(cursor, (UUID,))[0]
    async with db.snapshot() as tx:
        found = await store.listed(
            tx,
            volunteer_id=volunteer_id,
            status=status,
            corrects=corrects,
            before=before,
            site_ids=caller.site_ids,
            limit=limit + 1,
        )
    return page_of(found, limit, partial(_view, cipher), lambda adjustment: (adjustment.adjustment_id,))


@router.get("/adjustments/{adjustment_id}")
async def read_adjustment(db: Db, cipher: Cipher, caller: Operator, adjustment_id: UUID) -> AdjustmentDetailOut:
    """One adjustment, with what its approval posted."""
    async with db.snapshot() as tx:
        found = await handlers.find(tx, caller, adjustment_id)
        posted = await handlers.posted(tx, found)
    return AdjustmentDetailOut(
        **dict(_view(cipher, found)), posted=[AdjustmentPostedOut(**line._asdict()) for line in posted]
    )


async def _decide(
    request: Request,
    db: Db,
    cipher: TextCipher,
    caller: Caller,
    adjustment_id: UUID,
    status: AdjustmentStatus,
    note: str,
) -> Response:
    async def work(tx: Tx) -> AdjustmentOut:
        return _view(cipher, await handlers.decision(tx, cipher, caller, adjustment_id, status, note))

    return await once(request, db, caller, work, status=200)


@router.post("/adjustments/{adjustment_id}/approve", response_model=AdjustmentOut)
async def approve(
    request: Request, db: Db, cipher: Cipher, caller: Operator, adjustment_id: UUID, body: AdjustmentDecisionIn
) -> Response:
    """Approve what another operator proposed: its points are posted."""
    return await _decide(request, db, cipher, caller, adjustment_id, AdjustmentStatus.APPROVED, body.note)


@router.post("/adjustments/{adjustment_id}/reject", response_model=AdjustmentOut)
async def reject(
    request: Request, db: Db, cipher: Cipher, caller: Operator, adjustment_id: UUID, body: AdjustmentDecisionIn
) -> Response:
    """Reject what another operator proposed."""
    return await _decide(request, db, cipher, caller, adjustment_id, AdjustmentStatus.REJECTED, body.note)


@router.post("/adjustments/{adjustment_id}/withdraw", response_model=AdjustmentOut)
async def withdraw(
    request: Request, db: Db, cipher: Cipher, caller: Operator, adjustment_id: UUID, body: AdjustmentWithdrawalIn
) -> Response:
    """Withdraw one's own proposal."""
    return await _decide(request, db, cipher, caller, adjustment_id, AdjustmentStatus.WITHDRAWN, body.note)
