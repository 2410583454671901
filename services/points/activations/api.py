"""HTTP of activations: a rehearsed draft into force for everybody, and out again, by two operators each time."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

from services.points.activations import handlers
from services.points.activations.domain import (
    Activation,
    ActivationAct,
    ActivationStatus,
    ActivationStep,
    Move,
    stop_reason,
)
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http import cursors
from shared.http.app import Db, Input, Limit, Output
from shared.http.cursors import Page, page_of
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/points/v1", tags=["activations"])

Centre = Annotated[Caller, allow(Role.OPERATOR, centre=True)]
Text = Annotated[str, Field(min_length=1, max_length=1000)]
Version = Annotated[int, Path(ge=1, le=2_147_483_647)]


class ActivationIn(Input):
    """The rehearsal that the proposal rests on, and why the draft should come into force."""

    rehearsal_id: UUID
    reason: Text


class ActivationReasonIn(Input):
    """Why."""

    reason: Text


class ActivationDecisionIn(Input):
    """The reason for a decision."""

    note: Text


class ActivationWithdrawalIn(Input):
    """Nothing needs to be said."""

    note: Annotated[str, Field(max_length=1000)] = ""


class StopReasonOut(Output):
    """Why a move stopped; ``unforeseen`` names a volunteer and points, predicted and actual."""

    code: Literal["unforeseen", "error"]
    volunteer_id: UUID | None
    predicted: int | None
    actual: int | None


class ActivationOut(Output):
    """An activation and its state.

    Totals are points over the volunteers moved so far: what the rehearsal predicted and what was posted, over all
    buckets that records feed and the bonuses; other, of manual adjustments; reversed, by the reversal. `late` counts
    volunteers of whom something came after the rehearsal. `problem` is why the move stopped, in English for
    engineers, and `stop_reason` by code; `reversal_open` says that another operator may decide on a reversal.
    """

    activation_id: UUID
    version: int
    rehearsal_id: UUID
    status: ActivationStatus
    reason: str
    proposed_by: UUID
    proposed_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    reversal_open: bool
    reversal_reason: str | None
    reversal_proposed_by: UUID | None
    reversal_proposed_at: datetime | None
    reversal_decided_by: UUID | None
    reversal_decided_at: datetime | None
    volunteers_total: int | None
    volunteers_moved: int
    predicted_total: int
    actual_total: int
    other_total: int
    reversed_total: int
    late: int
    problem: str | None
    stop_reason: StopReasonOut | None
    settled_at: datetime | None
    correlation_id: str


class ActivationStepOut(Output):
    """A step of an activation and its actor; no actor where the move itself reports."""

    number: int
    act: str
    acted_by: UUID | None
    acted_at: datetime
    note: str


class ActivationDetailOut(ActivationOut):
    """An activation with its history."""

    steps: list[ActivationStepOut]


class ActivationMoveOut(Output):
    """The effect of an activation on one volunteer, in points; `late_*` came after the rehearsal."""

    volunteer_id: UUID
    predicted: int
    actual: int
    other: int
    late_records: list[UUID]
    late_complaints: list[UUID]
    late_referrals: list[UUID]
    reversed: int | None
    moved_at: datetime


def _view(found: Activation) -> ActivationOut:
    own = {name: getattr(found, name) for name in ActivationOut.model_fields if name != "stop_reason"}
    reason = None if found.problem is None else StopReasonOut(**asdict(stop_reason(found.problem)))
    return ActivationOut(**own, stop_reason=reason)


def _step(step: ActivationStep) -> ActivationStepOut:
    return ActivationStepOut(**{name: getattr(step, name) for name in ActivationStepOut.model_fields})


def _move(move: Move) -> ActivationMoveOut:
    return ActivationMoveOut(**{name: getattr(move, name) for name in ActivationMoveOut.model_fields})


@router.post("/rules/{version}/activation", status_code=201, response_model=ActivationOut)
async def propose(request: Request, db: Db, caller: Centre, version: Version, body: ActivationIn) -> Response:
    """Propose that a rehearsed draft comes into force; nothing does until another operator approves."""

    async def work(tx: Tx) -> ActivationOut:
        return _view(await handlers.propose(tx, caller, version, body.rehearsal_id, body.reason))

    return await once(request, db, caller, work)


@router.get("/activations")
async def list_activations(db: Db, caller: Centre, cursor: str | None = None, limit: Limit = 50) -> Page[ActivationOut]:
    """Activations, newest first."""
    before = None if cursor is None else cursors.decode(cursor, (UUID,))[0]
    async with db.snapshot() as tx:
        found = await handlers.listed(tx, before=before, limit=limit + 1)
    return page_of(found, limit, _view, lambda activation: (activation.activation_id,))


@router.get("/activations/{activation_id}")
async def read_activation(db: Db, caller: Centre, activation_id: UUID) -> ActivationDetailOut:
    """One activation: its progress, its totals, and who said and did what."""
    async with db.snapshot() as tx:
        view = _view(await handlers.find(tx, activation_id))
        steps = [_step(step) for step in await handlers.history(tx, activation_id)]
    return ActivationDetailOut(**view.model_dump(), steps=steps)


@router.get("/activations/{activation_id}/moves")
async def list_moves(
    db: Db,
    caller: Centre,
    activation_id: UUID,
    late: bool = False,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[ActivationMoveOut]:
    """List its effect on each volunteer; with `late` only those with inputs after the rehearsal."""
    after = None if cursor is None else cursors.decode(cursor, (UUID,))[0]
    async with db.snapshot() as tx:
        found = await handlers.moves(tx, activation_id, after=after, late_only=late, limit=limit + 1)
    return page_of(found, limit, _move, lambda move: (move.volunteer_id,))


async def _act(
    request: Request, db: Db, caller: Caller, activation_id: UUID, act: ActivationAct, note: str
) -> Response:
    async def work(tx: Tx) -> ActivationOut:
        return _view(await handlers.act(tx, caller, activation_id, act, note))

    return await once(request, db, caller, work, status=200)


@router.post("/activations/{activation_id}/approve", response_model=ActivationOut)
async def approve(
    request: Request, db: Db, caller: Centre, activation_id: UUID, body: ActivationDecisionIn
) -> Response:
    """Approve what another operator proposed: the draft is in force, and everybody is brought under it."""
    return await _act(request, db, caller, activation_id, ActivationAct.APPROVE, body.note)


@router.post("/activations/{activation_id}/reject", response_model=ActivationOut)
async def reject(request: Request, db: Db, caller: Centre, activation_id: UUID, body: ActivationDecisionIn) -> Response:
    """Reject what another operator proposed."""
    return await _act(request, db, caller, activation_id, ActivationAct.REJECT, body.note)


@router.post("/activations/{activation_id}/withdraw", response_model=ActivationOut)
async def withdraw(
    request: Request, db: Db, caller: Centre, activation_id: UUID, body: ActivationWithdrawalIn
) -> Response:
    """Withdraw one's own proposal."""
    return await _act(request, db, caller, activation_id, ActivationAct.WITHDRAW, body.note)


@router.post("/activations/{activation_id}/resume", response_model=ActivationOut)
async def resume(request: Request, db: Db, caller: Centre, activation_id: UUID, body: ActivationDecisionIn) -> Response:
    """Let a move that stopped go on, once what stopped it is put right."""
    return await _act(request, db, caller, activation_id, ActivationAct.RESUME, body.note)


@router.post("/activations/{activation_id}/reversal", response_model=ActivationOut)
async def propose_reversal(
    request: Request, db: Db, caller: Centre, activation_id: UUID, body: ActivationReasonIn
) -> Response:
    """Propose to take the version out of force again; nothing happens until another operator approves."""
    return await _act(request, db, caller, activation_id, ActivationAct.PROPOSE_REVERSAL, body.reason)


@router.post("/activations/{activation_id}/reversal/approve", response_model=ActivationOut)
async def approve_reversal(
    request: Request, db: Db, caller: Centre, activation_id: UUID, body: ActivationDecisionIn
) -> Response:
    """Approve the reversal that another operator proposed: everybody is brought back."""
    return await _act(request, db, caller, activation_id, ActivationAct.APPROVE_REVERSAL, body.note)


@router.post("/activations/{activation_id}/reversal/reject", response_model=ActivationOut)
async def reject_reversal(
    request: Request, db: Db, caller: Centre, activation_id: UUID, body: ActivationDecisionIn
) -> Response:
    """Reject the reversal that another operator proposed."""
    return await _act(request, db, caller, activation_id, ActivationAct.REJECT_REVERSAL, body.note)


@router.post("/activations/{activation_id}/reversal/withdraw", response_model=ActivationOut)
async def withdraw_reversal(
    request: Request, db: Db, caller: Centre, activation_id: UUID, body: ActivationWithdrawalIn
) -> Response:
    """Withdraw one's own proposal to reverse."""
    return await _act(request, db, caller, activation_id, ActivationAct.WITHDRAW_REVERSAL, body.note)
