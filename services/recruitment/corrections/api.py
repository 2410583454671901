"""Routes that change a record afterwards; each writes a new revision."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.activities.guards import STAFF
from services.recruitment.attendance.api import RecordOut, record_out
from services.recruitment.corrections import handlers
from services.recruitment.vault.api import CipherDep
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Input, Output
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["corrections"])

Staff = Annotated[Caller, allow(*STAFF)]
Approver = Annotated[Caller, allow(Role.LEADER, *STAFF)]
Reason = Annotated[str, Field(min_length=1, max_length=500)]
EvidenceText = Annotated[str, Field(min_length=1, max_length=4000)]


class CorrectionIn(Input):
    """New times, why, and what shows that they are right."""

    started_at: datetime
    ended_at: datetime
    reason: Reason
    evidence: EvidenceText


class VoidIn(Input):
    """Why the record counts for nothing, and what shows it."""

    reason: Reason
    evidence: EvidenceText


class ConfirmIn(Input):
    """How the record was checked."""

    reason: Reason


class EvidenceOut(Output):
    """What one revision rests on."""

    revision: int
    evidence: str


class EvidencesOut(Output):
    """What a record's revisions rest on, oldest first."""

    items: list[EvidenceOut]


@router.post("/attendance/records/{record_id}/corrections", status_code=201, response_model=RecordOut)
async def correct(
    request: Request, db: Db, cipher: CipherDep, caller: Staff, record_id: UUID, body: CorrectionIn
) -> Response:
    """Give a record new times."""

    async def work(tx: Tx) -> RecordOut:
        times = (body.started_at, body.ended_at)
        corrected = await handlers.correct(tx, cipher, caller, record_id, times, body.reason, body.evidence)
        return record_out(corrected)

    return await once(request, db, caller, work)


@router.post("/attendance/records/{record_id}/void", status_code=201, response_model=RecordOut)
async def void(request: Request, db: Db, cipher: CipherDep, caller: Staff, record_id: UUID, body: VoidIn) -> Response:
    """Make a record count for nothing."""

    async def work(tx: Tx) -> RecordOut:
        return record_out(await handlers.void(tx, cipher, caller, record_id, body.reason, body.evidence))

    return await once(request, db, caller, work)


@router.post("/attendance/records/{record_id}/confirm", status_code=201, response_model=RecordOut)
async def confirm(request: Request, db: Db, caller: Approver, record_id: UUID, body: ConfirmIn) -> Response:
    """Stand for a record that was closed automatically or entered afterwards."""

    async def work(tx: Tx) -> RecordOut:
        return record_out(await handlers.confirm(tx, caller, record_id, body.reason))

    return await once(request, db, caller, work)


@router.get("/attendance/records/{record_id}/evidence")
async def read_evidence(
    db: Db,
    cipher: CipherDep,
    caller: Staff,
    record_id: UUID,
    purpose: Annotated[str, Query(min_length=1, max_length=500)],
) -> EvidencesOut:
    """What the record's revisions rest on. Who read it, when and what for is written down."""
    async with db.transaction() as tx:
        found = await handlers.read_evidence(tx, cipher, caller, record_id, purpose)
    return EvidencesOut(items=[EvidenceOut(revision=each.revision, evidence=each.text) for each in found])
