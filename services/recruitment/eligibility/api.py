"""Routes of eligibility: details of activities, and facts about volunteers."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.activities.api import Runner
from services.recruitment.activities.guards import STAFF
from services.recruitment.eligibility import handlers, store
from services.recruitment.eligibility.domain import ActivityDetails, FactKind, VolunteerFact
from shared.auth.access import allow, optional
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Input, Output
from shared.http.idempotency import once
from shared.postgres import Tx
from shared.typed import FactCodeText

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["activities"])

Staff = Annotated[Caller, allow(*STAFF)]
Volunteer = Annotated[Caller, allow(Role.VOLUNTEER)]
Age = Annotated[int, Field(ge=0, le=120)]
Codes = Annotated[tuple[FactCodeText, ...], Field(max_length=10)]


class DetailsIn(Input):
    """Details and requirements of an activity; ``version`` is the one read before, 0 at first."""

    version: Annotated[int, Field(ge=0, le=1_000_000)]
    map_link: Annotated[str, Field(min_length=8, max_length=500, pattern=r"^https://\S+$")] | None = None
    contact: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    bring: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    risks: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    training: FactCodeText | None = None
    min_age: Age | None = None
    max_age: Age | None = None
    needs_trainings: Codes = ()
    needs_skills: Codes = ()
    needs_insurance: bool = False
    team_only: bool = False


class DetailsOut(Output):
    """Details and requirements of an activity; a confirmed record of it completes ``training``."""

    activity_id: UUID
    version: int
    map_link: str | None
    contact: str | None
    bring: str | None
    risks: str | None
    training: str | None
    min_age: int | None
    max_age: int | None
    needs_trainings: list[str]
    needs_skills: list[str]
    needs_insurance: bool
    team_only: bool


class FactIn(Input):
    """A fact about a volunteer; an insurance needs its last day."""

    kind: FactKind
    code: FactCodeText
    valid_until: date | None = None


class FactOut(Output):
    """A fact about a volunteer and the account that vouches for it; revoked ones no longer count."""

    fact_id: UUID
    volunteer_id: UUID
    kind: FactKind
    code: str
    valid_until: date | None
    said_by: UUID
    said_at: datetime
    revoked_at: datetime | None


class QualificationOut(Output):
    """A training or skill that activities may ask for, named where it has a name."""

    kind: FactKind
    code: str
    zh: str | None
    en: str | None


class QualificationsOut(Output):
    """The trainings and skills that are known."""

    items: list[QualificationOut]


class FactsOut(Output):
    """The facts of a volunteer, newest first."""

    items: list[FactOut]


@router.get("/activities/{activity_id}/details")
async def read_details(db: Db, caller: Annotated[Caller | None, optional()], activity_id: UUID) -> DetailsOut:
    """Details of an activity, to be read before signing up."""
    async with db.transaction() as tx:
        return _details(await handlers.details(tx, caller, activity_id))


@router.put("/activities/{activity_id}/details")
async def write_details(db: Db, caller: Runner, activity_id: UUID, body: DetailsIn) -> DetailsOut:
    """Write what is to be known of an activity and what it asks of its volunteers."""
    wanted = ActivityDetails(activity_id, **body.model_dump())
    async with db.transaction() as tx:
        return _details(await handlers.save(tx, caller, wanted))


@router.get("/qualifications")
async def list_qualifications(db: Db, caller: Runner) -> QualificationsOut:
    """The trainings and skills that activities may ask for."""
    async with db.transaction() as tx:
        found = await store.list_qualifications(tx)
    return QualificationsOut(
        items=[QualificationOut(kind=one.kind, code=one.code, zh=one.zh, en=one.en) for one in found]
    )


@router.get("/volunteers/me/facts")
async def list_own_facts(db: Db, caller: Volunteer) -> FactsOut:
    """The facts that staff vouch for about the caller."""
    async with db.transaction() as tx:
        return _facts(await handlers.facts(tx, caller, caller.require_volunteer()))


@router.get("/volunteers/{volunteer_id}/facts")
async def list_facts(db: Db, caller: Staff, volunteer_id: UUID) -> FactsOut:
    """The facts about a volunteer within the caller's reach."""
    async with db.transaction() as tx:
        return _facts(await handlers.facts(tx, caller, volunteer_id))


@router.post("/volunteers/{volunteer_id}/facts", status_code=201, response_model=FactOut)
async def add_fact(request: Request, db: Db, caller: Staff, volunteer_id: UUID, body: FactIn) -> Response:
    """Vouch for a skill, a training or an insurance of a volunteer."""

    async def work(tx: Tx) -> FactOut:
        return _fact(await handlers.add_fact(tx, caller, volunteer_id, body.kind, body.code, body.valid_until))

    return await once(request, db, caller, work)


@router.post("/facts/{fact_id}/revocation", response_model=FactOut)
async def revoke_fact(request: Request, db: Db, caller: Staff, fact_id: UUID) -> Response:
    """Let a fact count no longer."""

    async def work(tx: Tx) -> FactOut:
        return _fact(await handlers.revoke_fact(tx, caller, fact_id))

    return await once(request, db, caller, work, status=200)


def _details(details: ActivityDetails) -> DetailsOut:
    lists = {"needs_trainings": list(details.needs_trainings), "needs_skills": list(details.needs_skills)}
    return DetailsOut(**{name: getattr(details, name) for name in DetailsOut.model_fields} | lists)


def _fact(fact: VolunteerFact) -> FactOut:
    return FactOut(**{name: getattr(fact, name) for name in FactOut.model_fields})


def _facts(found: list[VolunteerFact]) -> FactsOut:
    return FactsOut(items=[_fact(each) for each in found])
