"""The route of walk-ins."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.recruitment.attendance.api import CheckInIn, RecordOut, record_out
from services.recruitment.attendance.handlers import PresenceProof
from services.recruitment.signups.api import Volunteer, admission_of
from services.recruitment.vault.api import CipherDep
from services.recruitment.walkins import handlers
from shared.http.app import Db
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["attendance"])


@router.post("/attendance/walk-ins", status_code=201, response_model=RecordOut)
async def walk_in(request: Request, db: Db, cipher: CipherDep, caller: Volunteer, body: CheckInIn) -> Response:
    """Take a place in the shift whose code was scanned, and check in: both or neither."""
    proof, terms = PresenceProof(body.code, body.ticket), admission_of(request, cipher)

    async def work(tx: Tx) -> RecordOut:
        return record_out(
            await handlers.walk_in(tx, caller, body.shift_id, proof, body.distance_m, body.device_id, terms)
        )

    return await once(request, db, caller, work)
