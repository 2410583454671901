"""Routes of consents."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.consents import handlers
from services.recruitment.consents.domain import CURRENT
from services.recruitment.vault.api import CipherDep
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Input, Output
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["volunteers"])

Volunteer = Annotated[Caller, allow(Role.VOLUNTEER)]


class ConsentIn(Input):
    """The version that was read, and a guardian's consent for a child under 14."""

    version: Annotated[int, Field(ge=1, le=1_000_000)]
    guardian_consent: bool = False


class ConsentOut(Output):
    """The version in force, and the one that the caller accepted last; ``due``: they differ."""

    current: int
    accepted: int | None
    accepted_at: datetime | None
    due: bool
    guardian_needed: bool


@router.get("/volunteers/me/consent")
async def read_consent(caller: Volunteer, db: Db, cipher: CipherDep) -> ConsentOut:
    """The terms that the caller accepted, and those in force."""
    async with db.transaction() as tx:
        given, guardian = await handlers.standing(tx, cipher, caller)
    return ConsentOut(
        current=CURRENT,
        accepted=None if given is None else given.version,
        accepted_at=None if given is None else given.accepted_at,
        due=given is None or given.version < CURRENT,
        guardian_needed=guardian,
    )


@router.post("/volunteers/me/consents", status_code=201, response_model=ConsentOut)
async def accept_consent(request: Request, body: ConsentIn, caller: Volunteer, db: Db, cipher: CipherDep) -> Response:
    """Accept the terms in force."""

    async def work(tx: Tx) -> ConsentOut:
        given = await handlers.accept(tx, cipher, caller, body.version, guardian=body.guardian_consent)
        return ConsentOut(
            current=CURRENT,
            accepted=given.version,
            accepted_at=given.accepted_at,
            due=False,
            guardian_needed=given.guardian,
        )

    return await once(request, db, caller, work)
