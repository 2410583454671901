"""Routes of docking."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from services.recruitment.docking import handlers
from services.recruitment.dockings.store import NamedDocking
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Input, Instant, Output
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["docking"])

Staff = Annotated[Caller, allow(Role.STATION, Role.OPERATOR)]
FORMULA = "teams docked with a site on the date / teams founded and not closed by then"


class DockingIn(Input):
    """The site that a team is docked with, from now on or since an earlier instant."""

    site_id: UUID
    since: Instant | None = None


class DockingEndIn(Input):
    """When a docking ended; now if left out."""

    until: Instant | None = None


class DockingOut(Output):
    """A docking; ``until`` null lasts on."""

    docking_id: UUID
    team_id: UUID
    site_id: UUID
    site_name: str
    since: datetime
    until: datetime | None


class DockingsOut(Output):
    """A team's dockings over time, the latest first."""

    items: list[DockingOut]


class DockingFigureOut(Output):
    """Docked teams of an instant, and the formula."""

    on: datetime
    docked: int
    teams: int
    formula: str


@router.post("/teams/{team_id}/dockings", status_code=201, response_model=DockingOut)
async def dock(request: Request, team_id: UUID, body: DockingIn, caller: Staff, db: Db) -> Response:
    """Dock a team with a site."""

    async def work(tx: Tx) -> DockingOut:
        return _docking(await handlers.dock(tx, caller, team_id, body.site_id, body.since))

    return await once(request, db, caller, work)


@router.post("/dockings/{docking_id}/end", response_model=DockingOut)
async def undock(request: Request, docking_id: UUID, body: DockingEndIn, caller: Staff, db: Db) -> Response:
    """End a docking."""

    async def work(tx: Tx) -> DockingOut:
        return _docking(await handlers.undock(tx, caller, docking_id, body.until))

    return await once(request, db, caller, work, status=200)


@router.get("/teams/{team_id}/dockings", dependencies=[public()])
async def list_dockings(team_id: UUID, db: Db) -> DockingsOut:
    """A team's dockings over time."""
    async with db.transaction() as tx:
        return DockingsOut(items=[_docking(each) for each in await handlers.dockings(tx, team_id)])


@router.get("/dockings/figure", dependencies=[public()])
async def read_figure(db: Db, on: Annotated[Instant | None, Query()] = None) -> DockingFigureOut:
    """How many teams are docked, or were on a past date."""
    async with db.transaction() as tx:
        at, docked, teams = await handlers.figure(tx, on)
    return DockingFigureOut(on=at, docked=docked, teams=teams, formula=FORMULA)


def _docking(named: NamedDocking) -> DockingOut:
    found = named.docking
    return DockingOut(
        docking_id=found.docking_id,
        team_id=found.team_id,
        site_id=found.site_id,
        site_name=named.site_name,
        since=found.since,
        until=found.until,
    )
