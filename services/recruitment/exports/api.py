"""The route of exports."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from services.recruitment.access.sessions import ClientDep
from services.recruitment.exports import handlers
from services.recruitment.vault.api import CipherDep
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Output

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["volunteers"])


class ExportedPersonOut(Output):
    """The registration in the clear; minutes are whole."""

    name: str
    phone: str | None
    email: str | None
    birth_date: date | None
    id_number: str | None
    volunteer_number: str
    registry_number: str | None
    source: str
    site: str | None
    registered_at: datetime
    claimed_at: datetime | None
    prior_minutes: int


class ExportedConsentOut(Output):
    """A version of the terms that was accepted, and whether a guardian agreed too."""

    version: int
    accepted_at: datetime
    guardian: bool


class ExportedMembershipOut(Output):
    """A team, and how the membership or the request stands."""

    team: str
    status: str
    asked_at: datetime
    since: datetime | None
    ended_at: datetime | None


class ExportedFactOut(Output):
    """A skill, training or insurance that staff vouched for."""

    kind: str
    code: str
    valid_until: date | None
    said_at: datetime
    revoked_at: datetime | None


class ExportedSignupOut(Output):
    """A place at a shift."""

    activity: str
    starts_at: datetime
    ends_at: datetime
    status: str
    source: str
    placed_at: datetime
    cancelled_at: datetime | None


class ExportedRecordOut(Output):
    """A service record as it stands; minutes and metres are whole."""

    record_id: UUID
    revision: int
    activity: str | None
    site: str | None
    team: str | None
    theme: str
    provenance: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    minutes: int
    distance_m: int | None


class ExportedRequestOut(Output):
    """A request about the records of a shift in the volunteer's words, and the answer of the site."""

    activity: str
    starts_at: datetime
    asked_at: datetime
    words: str
    outcome: str | None
    answered_at: datetime | None
    answer: str | None


class ExportedLookOut(Output):
    """A reading of the volunteer's data in the clear; no site: the centre."""

    reader_role: str
    site: str | None
    fields: list[str]
    purpose: str
    read_at: datetime


class ExportOut(Output):
    """All that recruitment holds about the caller. Points and messages are answered by their own services."""

    made_at: datetime
    person: ExportedPersonOut
    consents: list[ExportedConsentOut]
    memberships: list[ExportedMembershipOut]
    facts: list[ExportedFactOut]
    signups: list[ExportedSignupOut]
    records: list[ExportedRecordOut]
    requests: list[ExportedRequestOut]
    looks: list[ExportedLookOut]


@router.get("/volunteers/me/export")
async def export(
    caller: Annotated[Caller, allow(Role.VOLUNTEER)], db: Db, cipher: CipherDep, client: ClientDep
) -> ExportOut:
    """All that is held about the caller, in the clear; three times a day, noted in the security log."""
    async with db.transaction() as tx:
        found = await handlers.export(tx, cipher, caller, client)
    return ExportOut.model_validate({"made_at": found.made_at, "person": found.person, **found.sections})
