"""HTTP of credentials: volunteers take theirs along, strangers check them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request

from services.points.bounds.handlers import require_reader
from services.points.credentials import domain, handlers
from services.points.credentials.domain import Holder, Issuer
from services.points.credentials.signing import Signer
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Output

__all__ = ["router"]

router = APIRouter(prefix="/api/points/v1", tags=["credentials"])

Reader = Annotated[Caller, allow(Role.VOLUNTEER, Role.STATION, Role.OPERATOR)]


class CredentialOut(Output):
    """An Open Badges 3.0 credential: ``jwt`` is the signed form, ``credential`` what it says, as JSON-LD."""

    award_id: UUID
    jwt: str
    credential: dict[str, Any]


class VerificationOut(Output):
    """The public data of an award; no volunteer is named. ``page`` says the same to people."""

    award_id: UUID
    holder: Holder
    team_id: UUID | None
    status: Literal["valid", "revoked"]
    badge: str
    name: str
    criteria: str
    awarded_at: datetime
    revoked_at: datetime | None
    issuer: str
    issuer_name: str
    key: str
    revocations: str
    page: str


def _issuer(request: Request) -> Issuer:
    return Issuer(request.app.state.settings.public_url)


def _signer(request: Request) -> Signer:
    return Signer(request.app.state.settings.credential_signing_key, _issuer(request).key)


@router.get("/accounts/{volunteer_id}/badges/{award_id}/credential")
async def export(request: Request, db: Db, caller: Reader, volunteer_id: UUID, award_id: UUID) -> CredentialOut:
    """The signed credential of an award: the volunteer's own, or for staff. A revoked one says so when checked."""
    async with db.snapshot() as tx:
        await require_reader(tx, caller, volunteer_id)
    return await _credential(request, db, award_id, ("volunteer", volunteer_id))


@router.get("/teams/{team_id}/badges/{award_id}/credential", dependencies=[public()])
async def export_of_team(request: Request, db: Db, team_id: UUID, award_id: UUID) -> CredentialOut:
    """The signed credential of a team's award, public: its subject is the team, and no volunteer is named."""
    return await _credential(request, db, award_id, ("team", team_id))


async def _credential(request: Request, db: Db, award_id: UUID, of: tuple[Holder, UUID]) -> CredentialOut:
    async with db.snapshot() as tx:
        award = await handlers.find(tx, award_id, of=of)
    issuer = _issuer(request)
    return CredentialOut(
        award_id=award_id,
        jwt=_signer(request).sign(domain.claims(issuer, award)),
        credential=domain.credential(issuer, award),
    )


@router.get("/credentials/{award_id}", dependencies=[public()])
async def verify(request: Request, db: Db, award_id: UUID) -> VerificationOut:
    """Whether an award stands; public."""
    async with db.snapshot() as tx:
        award = await handlers.find(tx, award_id)
    issuer = _issuer(request)
    return VerificationOut(
        award_id=award_id,
        holder=award.holder,
        team_id=award.holder_id if award.holder == "team" else None,
        status="valid" if award.revoked_at is None else "revoked",
        badge=award.badge,
        name=award.name,
        criteria=award.sentence,
        awarded_at=award.awarded_at,
        revoked_at=award.revoked_at,
        issuer=issuer.id,
        issuer_name=domain.ISSUER_NAME,
        key=issuer.key,
        revocations=f"{issuer.credential(award_id)}/revocations",
        page=issuer.page(award_id),
    )


@router.get("/credentials/{award_id}/revocations", dependencies=[public()])
async def list_revocations(request: Request, db: Db, award_id: UUID) -> dict[str, Any]:
    """The credential's revocation list, in the form that Open Badges verifiers read."""
    async with db.snapshot() as tx:
        award = await handlers.find(tx, award_id)
    return domain.revocations(_issuer(request), award)


@router.get("/issuer", dependencies=[public()])
async def read_issuer(request: Request) -> dict[str, Any]:
    """The issuer's profile."""
    return _issuer(request).profile()


@router.get("/issuer/key", dependencies=[public()])
async def read_key(request: Request) -> dict[str, str]:
    """The public key that credentials are checked with, as a JSON Web Key."""
    return _signer(request).public_jwk()
