"""Routes that change a record afterwards; each writes a new revision."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.activities.guards import STAFF
from services.recruitment.approvals.api import caps_of
from services.recruitment.attendance.api import RecordOut, record_out
from services.recruitment.corrections import handlers, voiding
from services.recruitment.corrections.voiding import VoidPreview
from services.recruitment.vault.api import CipherDep, ReaderDep
from services.recruitment.vault.handlers import looking
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
    """How it was checked."""

    reason: Reason


class EvidencePurposeIn(Input):
    """The purpose for which the evidence is read."""

    purpose: Reason


class EvidenceOut(Output):
    """The evidence for one revision."""

    revision: int
    evidence: str


class EvidencesOut(Output):
    """The evidence for a record's revisions, oldest first."""

    items: list[EvidenceOut]


@router.post("/attendance/records/{record_id}/corrections", status_code=201, response_model=RecordOut)
async def correct(
    request: Request, db: Db, cipher: CipherDep, caller: Staff, record_id: UUID, body: CorrectionIn
) -> Response:
    """Shorten a record."""

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


@router.post("/attendance/records/{record_id}/restoration", status_code=201, response_model=RecordOut)
async def restore(
    request: Request, db: Db, cipher: CipherDep, caller: Staff, record_id: UUID, body: VoidIn
) -> Response:
    """Undo a void, provisionally until another site approves it."""

    async def work(tx: Tx) -> RecordOut:
        return record_out(await handlers.restore(tx, cipher, caller, record_id, body.reason, body.evidence))

    return await once(request, db, caller, work)


@router.post("/attendance/records/{record_id}/additions", status_code=201, response_model=RecordOut)
async def add(
    request: Request, db: Db, cipher: CipherDep, caller: Staff, record_id: UUID, body: CorrectionIn
) -> Response:
    """Enter forgotten time of the same shift as a second record, which another site approves."""

    async def work(tx: Tx) -> RecordOut:
        times = (body.started_at, body.ended_at)
        return record_out(await handlers.add(tx, cipher, caller, record_id, times, body.reason, body.evidence))

    return await once(request, db, caller, work)


@router.post("/attendance/records/{record_id}/confirm", status_code=201, response_model=RecordOut)
async def confirm(request: Request, db: Db, caller: Approver, record_id: UUID, body: ConfirmIn) -> Response:
    """Confirm a record that was closed automatically; it stays provisional when another site must approve it."""

    async def work(tx: Tx) -> RecordOut:
        return record_out(await handlers.confirm(tx, caller, record_id, body.reason, caps_of(request)))

    return await once(request, db, caller, work)


@router.post("/attendance/records/{record_id}/overtime", status_code=201, response_model=RecordOut)
async def overtime(request: Request, db: Db, caller: Approver, record_id: UUID, body: ConfirmIn) -> Response:
    """Approve the time after the shift's end, at most 4 hours; it is added at once or waits for another site."""

    async def work(tx: Tx) -> RecordOut:
        return record_out(await handlers.overtime(tx, caller, record_id, body.reason, caps_of(request)))

    return await once(request, db, caller, work)


@router.post("/attendance/records/{record_id}/evidence")
async def read_evidence(
    db: Db, cipher: CipherDep, caller: Staff, reader: ReaderDep, record_id: UUID, body: EvidencePurposeIn
) -> EvidencesOut:
    """Read what the record's revisions rest on; who read it, when and what for is kept.

    It changes nothing but the record of reads, and its answer must not be stored: so it takes no Idempotency-Key.
    """
    async with looking(db, reader) as tx:
        found = await handlers.read_evidence(tx, cipher, caller, reader, record_id, body.purpose)
    return EvidencesOut(items=[EvidenceOut(revision=each.revision, evidence=each.text) for each in found])


class VoidPreviewOut(Output):
    """The change that voiding all records of an activity brings; ``digest`` names the state that it was read in."""

    records: int
    people: int
    confirmed_minutes: int
    honour_minutes: int
    waiting: int
    digest: str


class ActivityVoidIn(Input):
    """The digest of the preview that was decided on, with reason and evidence."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    evidence: Annotated[str, Field(min_length=1, max_length=4000)]


@router.get("/activities/{activity_id}/void-preview")
async def preview_void(db: Db, caller: Staff, activity_id: UUID) -> VoidPreviewOut:
    """Preview the change that voiding all records of an activity brings by now."""
    async with db.transaction() as tx:
        return _void_preview(await voiding.preview(tx, caller, activity_id))


@router.post("/activities/{activity_id}/void", response_model=VoidPreviewOut)
async def void_activity(
    request: Request, db: Db, cipher: CipherDep, caller: Staff, activity_id: UUID, body: ActivityVoidIn
) -> Response:
    """Void all records of an activity as they were previewed, or refuse when they changed meanwhile."""

    async def work(tx: Tx) -> VoidPreviewOut:
        done = await voiding.void_activity(tx, cipher, caller, activity_id, body.digest, body.reason, body.evidence)
        return _void_preview(done)

    return await once(request, db, caller, work, status=200)


def _void_preview(seen: VoidPreview) -> VoidPreviewOut:
    return VoidPreviewOut(**{name: getattr(seen, name) for name in VoidPreviewOut.model_fields})
