"""Routes of one project and of honours."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.editing.api import ABSENT, Version, VersionIn, closed, edited
from services.recruitment.editing.domain import ObjectKind
from services.recruitment.organisation import store as organisation
from services.recruitment.organisation.api import HonourIn, HonourOut, ProjectOut, Title, honour_out, project_out
from services.recruitment.organisation.domain import Honour, HonourCategory, HonourLevel
from services.recruitment.projects import handlers
from services.recruitment.projects.handlers import ProjectView
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Input, Output
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["projects"])

Staff = Annotated[Caller, allow(Role.STATION, Role.OPERATOR)]


class HonourEditIn(Input):
    """A change of an honour."""

    version: Version
    title: Title = ABSENT
    awarded_by: Title = ABSENT
    year: Annotated[int, Field(ge=1949, le=2200)] = ABSENT
    level: HonourLevel | None = None
    category: HonourCategory | None = None


class ComingShiftOut(Output):
    """A shift of a project that can still be joined; ``free`` places."""

    shift_id: UUID
    activity_id: UUID
    title: str
    place: str
    site_id: UUID
    starts_at: datetime
    ends_at: datetime
    free: int


class HeldActivityOut(Output):
    """An activity of a project that began; ``residents_served`` once it is closed."""

    activity_id: UUID
    title: str
    place: str
    site_id: UUID
    starts_at: datetime
    residents_served: int | None


class ProjectViewOut(Output):
    """A project with its sums; ``services`` are person-times with a confirmed record."""

    project: ProjectOut
    activities: int
    residents_served: int
    services: int
    coming: list[ComingShiftOut]
    held: list[HeldActivityOut]


@router.get("/projects/{project_id}", dependencies=[public()])
async def read_project(project_id: UUID, db: Db) -> ProjectViewOut:
    """A project with its activities, for everybody."""
    async with db.transaction() as tx:
        return _view(await handlers.view(tx, project_id))


@router.post("/projects/{project_id}/honours", status_code=201, response_model=HonourOut)
async def add_honour(request: Request, project_id: UUID, body: HonourIn, caller: Staff, db: Db) -> Response:
    """Add an honour to a project."""
    honour = Honour(body.title, body.awarded_by, body.year, body.level, body.category)

    async def work(tx: Tx) -> HonourOut:
        return honour_out(await handlers.add_honour(tx, caller, project_id, honour))

    return await once(request, db, caller, work)


@router.patch("/honours/{honour_id}")
async def edit_honour(honour_id: UUID, body: HonourEditIn, caller: Staff, db: Db) -> HonourOut:
    """Edit an honour."""
    return await edited(db, caller, ObjectKind.HONOUR, honour_id, body, _honour)


@router.post("/honours/{honour_id}/close", response_model=HonourOut)
async def close_honour(request: Request, honour_id: UUID, body: VersionIn, caller: Staff, db: Db) -> Response:
    """Close an honour: it is shown and counted no more."""
    return await closed(request, db, caller, ObjectKind.HONOUR, honour_id, body, _honour)


async def _honour(tx: Tx, honour_id: UUID) -> HonourOut:
    found = await organisation.find_honour(tx, honour_id)
    assert found is not None
    return honour_out(found)


def _view(found: ProjectView) -> ProjectViewOut:
    return ProjectViewOut(
        project=project_out(found.project),
        activities=found.figures.activities,
        residents_served=found.figures.residents_served,
        services=found.figures.services,
        coming=[
            ComingShiftOut(**{name: getattr(each, name) for name in ComingShiftOut.model_fields})
            for each in found.coming
        ],
        held=[
            HeldActivityOut(**{name: getattr(each, name) for name in HeldActivityOut.model_fields})
            for each in found.held
        ],
    )
