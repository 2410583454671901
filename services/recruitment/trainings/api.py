"""Routes of volunteer organisations and their trainings."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.editing.api import ABSENT, Version, VersionIn, closed, edited
from services.recruitment.editing.domain import ObjectKind
from services.recruitment.organisation.api import Name, Title
from services.recruitment.organisation.domain import Level
from services.recruitment.trainings import handlers, store
from services.recruitment.trainings.handlers import NewTraining
from services.recruitment.trainings.store import Organisation, Training, TrainingAttendance
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Input, Instant, Limit, Output
from shared.http.cursors import Page, decode, page_of
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["trainings"])

Operator = Annotated[Caller, allow(Role.OPERATOR)]
Staff = Annotated[Caller, allow(Role.STATION, Role.OPERATOR)]
Mode = Literal["online", "onsite"]


class OrganisationIn(Input):
    """A volunteer organisation, its level and the site that it belongs to."""

    name: Name
    level: Level
    site_id: UUID


class OrganisationEditIn(Input):
    """A change of an organisation."""

    version: Version
    name: Name = ABSENT
    level: Level = ABSENT
    site_id: UUID = ABSENT


class OrganisationOut(Output):
    """A volunteer organisation."""

    organisation_id: UUID
    name: str
    level: Level
    site_id: UUID
    created_at: datetime
    version: int
    closed_at: datetime | None


class TrainingIn(Input):
    """A training, held by a site."""

    title: Title
    mode: Mode
    site_id: UUID
    starts_at: Instant
    ends_at: Instant


class TrainingEditIn(Input):
    """A change of a training."""

    version: Version
    title: Title = ABSENT
    mode: Mode = ABSENT
    starts_at: Instant = ABSENT
    ends_at: Instant = ABSENT


class TrainingOut(Output):
    """A training with the sums of its attendance."""

    training_id: UUID
    title: str
    mode: str
    site_id: UUID
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    version: int
    closed_at: datetime | None
    organisations: int
    people: int


class TrainingAttendanceIn(Input):
    """How many people of an organisation attended."""

    people: Annotated[int, Field(ge=0, le=10_000)]


class TrainingAttendanceOut(Output):
    """How many people of an organisation attended."""

    organisation_id: UUID
    name: str
    people: int
    recorded_at: datetime


class TrainingViewOut(Output):
    """A training with its attendance by organisation."""

    training: TrainingOut
    attendances: list[TrainingAttendanceOut]


@router.post("/organisations", status_code=201, response_model=OrganisationOut)
async def add_organisation(request: Request, body: OrganisationIn, caller: Operator, db: Db) -> Response:
    """Add a volunteer organisation."""

    async def work(tx: Tx) -> OrganisationOut:
        return _organisation(await handlers.add_organisation(tx, caller, body.name, body.level, body.site_id))

    return await once(request, db, caller, work)


@router.get("/organisations")
async def list_organisations(
    caller: Staff, db: Db, cursor: str | None = None, limit: Limit = 100
) -> Page[OrganisationOut]:
    """All volunteer organisations."""
    after = None if cursor is None else decode(cursor, (UUID,))[0]
    async with db.transaction() as tx:
        rows = await store.list_organisations(tx, after, limit + 1)
    return page_of(rows, limit, _organisation, lambda row: (row.organisation_id,))


@router.patch("/organisations/{organisation_id}")
async def edit_organisation(
    organisation_id: UUID, body: OrganisationEditIn, caller: Operator, db: Db
) -> OrganisationOut:
    """Edit an organisation."""
    return await edited(db, caller, ObjectKind.ORGANISATION, organisation_id, body, _shown_organisation)


@router.post("/organisations/{organisation_id}/close", response_model=OrganisationOut)
async def close_organisation(
    request: Request, organisation_id: UUID, body: VersionIn, caller: Operator, db: Db
) -> Response:
    """Close an organisation: it attends no more trainings."""
    return await closed(request, db, caller, ObjectKind.ORGANISATION, organisation_id, body, _shown_organisation)


@router.post("/trainings", status_code=201, response_model=TrainingOut)
async def add_training(request: Request, body: TrainingIn, caller: Operator, db: Db) -> Response:
    """Plan a training, or enter one that was held."""
    new = NewTraining(body.title, body.mode, body.site_id, body.starts_at, body.ends_at)

    async def work(tx: Tx) -> TrainingOut:
        return _training(await handlers.add_training(tx, caller, new))

    return await once(request, db, caller, work)


@router.get("/trainings")
async def list_trainings(caller: Staff, db: Db, cursor: str | None = None, limit: Limit = 50) -> Page[TrainingOut]:
    """Trainings, the latest first."""
    before = None
    if cursor is not None:
        at, training_id = decode(cursor, (datetime, UUID))
        before = at, training_id
    async with db.transaction() as tx:
        rows = await store.list_trainings(tx, before, limit + 1)
    return page_of(rows, limit, _training, lambda row: (row.starts_at, row.training_id))


@router.get("/trainings/{training_id}")
async def read_training(training_id: UUID, caller: Staff, db: Db) -> TrainingViewOut:
    """A training with its attendance."""
    async with db.transaction() as tx:
        return _view(*await handlers.training(tx, training_id))


@router.patch("/trainings/{training_id}")
async def edit_training(training_id: UUID, body: TrainingEditIn, caller: Operator, db: Db) -> TrainingOut:
    """Edit a training."""
    return await edited(db, caller, ObjectKind.TRAINING, training_id, body, _shown_training)


@router.post("/trainings/{training_id}/close", response_model=TrainingOut)
async def close_training(request: Request, training_id: UUID, body: VersionIn, caller: Operator, db: Db) -> Response:
    """Close a training: its attendance stays as it is."""
    return await closed(request, db, caller, ObjectKind.TRAINING, training_id, body, _shown_training)


@router.put("/trainings/{training_id}/attendances/{organisation_id}")
async def record_attendance(
    training_id: UUID, organisation_id: UUID, body: TrainingAttendanceIn, caller: Operator, db: Db
) -> TrainingViewOut:
    """Record or correct the attendance of an organisation."""
    async with db.transaction() as tx:
        return _view(*await handlers.record(tx, caller, training_id, organisation_id, body.people))


async def _shown_organisation(tx: Tx, organisation_id: UUID) -> OrganisationOut:
    found = await store.find_organisation(tx, organisation_id)
    assert found is not None
    return _organisation(found)


async def _shown_training(tx: Tx, training_id: UUID) -> TrainingOut:
    return _training((await handlers.training(tx, training_id))[0])


def _organisation(found: Organisation) -> OrganisationOut:
    return OrganisationOut(**{name: getattr(found, name) for name in OrganisationOut.model_fields})


def _training(found: Training) -> TrainingOut:
    return TrainingOut(**{name: getattr(found, name) for name in TrainingOut.model_fields})


def _view(found: Training, attendances: list[TrainingAttendance]) -> TrainingViewOut:
    return TrainingViewOut(
        training=_training(found),
        attendances=[
            TrainingAttendanceOut(**{name: getattr(each, name) for name in TrainingAttendanceOut.model_fields})
            for each in attendances
        ],
    )
