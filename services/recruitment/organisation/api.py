"""Routes of sites, teams, themes and projects."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.organisation import handlers, store
from services.recruitment.organisation.domain import (
    Honour,
    HonourCategory,
    HonourLevel,
    Level,
    NewProject,
    NewSite,
    NewTeam,
    NewTheme,
    Pillar,
    Series,
    SiteKind,
    TeamKind,
)
from services.recruitment.organisation.store import Project, Site, Team, Theme
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Input, Output
from shared.http.cursors import Page, decode, page_of
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = [
    "HonourIn",
    "HonourOut",
    "Name",
    "ProjectOut",
    "SiteOut",
    "TeamOut",
    "ThemeOut",
    "Title",
    "honour_out",
    "project_out",
    "router",
    "site_out",
    "team_out",
    "theme_out",
]

router = APIRouter(prefix="/api/recruitment/v1", tags=["organisation"])

Operator = Annotated[Caller, allow(Role.OPERATOR)]
Centre = Annotated[Caller, allow(Role.OPERATOR, centre=True)]
Staff = Annotated[Caller, allow(Role.STATION, Role.OPERATOR)]
AnySigned = Annotated[
    Caller,
    allow(Role.VOLUNTEER, Role.RESIDENT, Role.LEADER, Role.STATION, Role.OPERATOR, Role.ENGINEER, Role.AUDITOR),
]
ListLimit = Annotated[int, Query(ge=1, le=500)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Title = Annotated[str, Field(min_length=1, max_length=200)]


class SiteIn(Input):
    """A site; all but the centre have a parent. The level follows from the kind and may be left out."""

    kind: SiteKind
    name: Name
    parent_id: UUID | None = None
    level: Level | None = None


class SiteOut(Output):
    """A site."""

    site_id: UUID
    kind: SiteKind
    name: str
    parent_id: UUID | None
    level: Level
    created_at: datetime
    version: int
    closed_at: datetime | None


class TeamIn(Input):
    """A team; ``docked``: with its home, from now on. The last three are a detachment's.

    ``head`` is a position in the owning department, not a person's name.
    """

    kind: TeamKind
    name: Name
    site_id: UUID
    docked: bool = False
    series: Series | None = None
    department: Name | None = None
    head: Name | None = None


class TeamOut(Output):
    """A team; who leads it is shown to the staff of its site and to its leader, and is null for others."""

    team_id: UUID
    kind: TeamKind
    name: str
    site_id: UUID
    leader_volunteer_id: UUID | None
    docked: bool
    created_at: datetime
    version: int
    closed_at: datetime | None
    series: Series | None
    department: str | None
    head: str | None


class TeamNameOut(Output):
    """The public data of a team; its leader is not part of them."""

    team_id: UUID
    kind: TeamKind
    name: str
    site_id: UUID


class ThemeIn(Input):
    """A theme and the pillar that reports group it under."""

    name: Name
    pillar: Pillar


class ThemeOut(Output):
    """A theme."""

    theme_id: UUID
    name: str
    pillar: Pillar
    created_at: datetime
    version: int
    closed_at: datetime | None


class HonourIn(Input):
    """An award of a project."""

    title: Title
    awarded_by: Title
    year: Annotated[int, Field(ge=1949, le=2200)]
    level: HonourLevel | None = None
    category: HonourCategory | None = None


class HonourOut(Output):
    """An award of a project."""

    honour_id: UUID
    title: str
    awarded_by: str
    year: int
    level: HonourLevel | None
    category: HonourCategory | None
    version: int


class ProjectIn(Input):
    """A brand project with its honours."""

    name: Name
    site_id: UUID
    pillar: Pillar
    honours: Annotated[list[HonourIn], Field(max_length=50, default_factory=list)]
    summary: Annotated[str, Field(min_length=1, max_length=500)] | None = None


class ProjectOut(Output):
    """A brand project with its honours."""

    project_id: UUID
    name: str
    site_id: UUID
    pillar: Pillar
    created_at: datetime
    version: int
    closed_at: datetime | None
    honours: list[HonourOut]
    summary: str | None


@router.post("/sites", status_code=201, response_model=SiteOut)
async def add_site(request: Request, body: SiteIn, caller: Operator, db: Db) -> Response:
    """Found a site."""

    async def work(tx: Tx) -> SiteOut:
        return site_out(await handlers.add_site(tx, caller, NewSite(body.kind, body.name, body.parent_id, body.level)))

    return await once(request, db, caller, work)


@router.get("/sites", dependencies=[public()])
async def list_sites(db: Db, cursor: str | None = None, limit: ListLimit = 500) -> Page[SiteOut]:
    """All sites, the centre first."""
    async with db.transaction() as tx:
        rows = await store.list_sites(tx, _after(cursor), limit + 1)
    return page_of(rows, limit, site_out, lambda row: (row.site_id,))


@router.post("/teams", status_code=201, response_model=TeamOut)
async def add_team(request: Request, body: TeamIn, caller: Operator, db: Db) -> Response:
    """Found a team."""

    async def work(tx: Tx) -> TeamOut:
        new = NewTeam(body.kind, body.name, body.site_id, body.docked, body.series, body.department, body.head)
        return team_out(await handlers.add_team(tx, caller, new))

    return await once(request, db, caller, work)


@router.get("/teams")
async def list_teams(caller: AnySigned, db: Db, cursor: str | None = None, limit: ListLimit = 500) -> Page[TeamOut]:
    """All teams."""
    async with db.transaction() as tx:
        rows = await store.list_teams(tx, _after(cursor), limit + 1)
    return page_of(
        rows,
        limit,
        lambda row: team_out(row if _knows_leader(caller, row) else replace(row, leader_volunteer_id=None)),
        lambda row: (row.team_id,),
    )


@router.get("/teams/names", dependencies=[public()])
async def list_team_names(db: Db, cursor: str | None = None, limit: ListLimit = 500) -> Page[TeamNameOut]:
    """All teams by name, for public pages."""
    async with db.transaction() as tx:
        rows = await store.list_teams(tx, _after(cursor), limit + 1)
    return page_of(
        rows,
        limit,
        lambda row: TeamNameOut(team_id=row.team_id, kind=row.kind, name=row.name, site_id=row.site_id),
        lambda row: (row.team_id,),
    )


@router.post("/themes", status_code=201, response_model=ThemeOut)
async def add_theme(request: Request, body: ThemeIn, caller: Centre, db: Db) -> Response:
    """Add a theme."""

    async def work(tx: Tx) -> ThemeOut:
        return theme_out(await handlers.add_theme(tx, NewTheme(body.name, body.pillar)))

    return await once(request, db, caller, work)


@router.get("/themes", dependencies=[public()])
async def list_themes(db: Db, cursor: str | None = None, limit: ListLimit = 500) -> Page[ThemeOut]:
    """All themes."""
    async with db.transaction() as tx:
        rows = await store.list_themes(tx, _after(cursor), limit + 1)
    return page_of(rows, limit, theme_out, lambda row: (row.theme_id,))


@router.post("/projects", status_code=201, response_model=ProjectOut)
async def add_project(request: Request, body: ProjectIn, caller: Staff, db: Db) -> Response:
    """Show a brand project."""
    honours = tuple(Honour(h.title, h.awarded_by, h.year, h.level, h.category) for h in body.honours)

    async def work(tx: Tx) -> ProjectOut:
        new = NewProject(body.name, body.site_id, body.pillar, honours, body.summary)
        return project_out(await handlers.add_project(tx, caller, new))

    return await once(request, db, caller, work)


@router.get("/projects", dependencies=[public()])
async def list_projects(db: Db, cursor: str | None = None, limit: ListLimit = 500) -> Page[ProjectOut]:
    """All brand projects with their honours."""
    async with db.transaction() as tx:
        rows = await store.list_projects(tx, _after(cursor), limit + 1)
    return page_of(rows, limit, project_out, lambda row: (row.project_id,))


def _knows_leader(caller: Caller, team: Team) -> bool:
    staff = caller.has(Role.STATION, Role.OPERATOR) and caller.may_site(team.site_id)
    return staff or (caller.has(Role.LEADER) and team.team_id in caller.team_ids)


def _after(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    after: UUID = decode(cursor, [UUID])[0]
    return after


def site_out(site: Site) -> SiteOut:
    """A site as everybody sees it."""
    return SiteOut(**{name: getattr(site, name) for name in SiteOut.model_fields})


def team_out(team: Team) -> TeamOut:
    """A team as its staff and its leader see it."""
    return TeamOut(**{name: getattr(team, name) for name in TeamOut.model_fields})


def theme_out(theme: Theme) -> ThemeOut:
    """A theme as everybody sees it."""
    return ThemeOut(**{name: getattr(theme, name) for name in ThemeOut.model_fields})


def project_out(project: Project) -> ProjectOut:
    """A project as everybody sees it."""
    values = {name: getattr(project, name) for name in ProjectOut.model_fields if name != "honours"}
    return ProjectOut(**values, honours=[honour_out(honour) for honour in project.honours])


def honour_out(honour: Honour) -> HonourOut:
    """An honour as everybody sees it."""
    return HonourOut(**{name: getattr(honour, name) for name in HonourOut.model_fields})
