"""Routes that edit and close sites, teams, themes, projects, drives and appeals, and show the history of an object."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from services.recruitment.access.sessions import SettingsDep
from services.recruitment.editing import handlers
from services.recruitment.editing.domain import Edit, ObjectKind
from services.recruitment.organisation import store as organisation
from services.recruitment.organisation.api import (
    Name,
    ProjectOut,
    SiteOut,
    TeamOut,
    ThemeOut,
    project_out,
    site_out,
    team_out,
    theme_out,
)
from services.recruitment.organisation.domain import Pillar, Series
from services.recruitment.recruiting import handlers as recruiting
from services.recruitment.recruiting import store as drives
from services.recruitment.recruiting.api import AppealOut, DriveOut, appeal_out, drive_out
from services.recruitment.recruiting.domain import PlaceKind
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Input, Limit, Output
from shared.http.cursors import Page, decode, page_of
from shared.http.idempotency import once
from shared.postgres import Database, Tx

__all__ = ["ABSENT", "Version", "VersionIn", "closed", "edited", "router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["editing"])

Operator = Annotated[Caller, allow(Role.OPERATOR)]
Centre = Annotated[Caller, allow(Role.OPERATOR, centre=True)]
Staff = Annotated[Caller, allow(Role.STATION, Role.OPERATOR)]
Version = Annotated[int, Field(ge=1, le=2_147_483_647, description="The version that was decided on.")]
Title = Annotated[str, Field(min_length=1, max_length=200)]
ABSENT: Any = Field(default=None)
"""The default of a field that may be left out, but not be null."""
T = TypeVar("T", bound=BaseModel)


class VersionIn(Input):
    """The version of the object that is closed."""

    version: Version


class SiteEditIn(Input):
    """A change of a site; its level follows."""

    version: Version
    name: Name = ABSENT
    parent_id: UUID = ABSENT


class TeamEditIn(Input):
    """A change of a team; ``leader_volunteer_id`` null leaves it without a leader."""

    version: Version
    name: Name = ABSENT
    site_id: UUID = ABSENT
    docked: bool = ABSENT
    leader_volunteer_id: UUID | None = None
    series: Series | None = None
    department: Name | None = None
    head: Name | None = None


class ThemeEditIn(Input):
    """A change of a theme."""

    version: Version
    name: Name = ABSENT
    pillar: Pillar = ABSENT


class ProjectEditIn(Input):
    """A change of a project."""

    version: Version
    name: Name = ABSENT
    site_id: UUID = ABSENT
    pillar: Pillar = ABSENT
    summary: Annotated[str, Field(min_length=1, max_length=500)] | None = None


class DriveEditIn(Input):
    """A change of a drive; times only while it is not over."""

    version: Version
    name: Name = ABSENT
    place_kind: PlaceKind = ABSENT
    place: Title = ABSENT
    starts_at: datetime = ABSENT
    ends_at: datetime = ABSENT


class AppealEditIn(Input):
    """A change of an appeal."""

    version: Version
    title: Title = ABSENT
    channel: Name = ABSENT
    body: Annotated[str, Field(min_length=1, max_length=20_000)] = ABSENT


class ChangeOut(Output):
    """A change: the values that differ, before and after; null where a free text may name a person."""

    change_id: UUID
    version: int
    act: str
    changed_by: UUID
    changed_at: datetime
    before: dict[str, Any]
    after: dict[str, Any]


@router.patch("/sites/{site_id}")
async def edit_site(site_id: UUID, body: SiteEditIn, caller: Operator, db: Db) -> SiteOut:
    """Edit a site."""
    return await edited(db, caller, ObjectKind.SITE, site_id, body, _site)


@router.post("/sites/{site_id}/close", response_model=SiteOut)
async def close_site(request: Request, site_id: UUID, body: VersionIn, caller: Operator, db: Db) -> Response:
    """Close a site that holds nothing open."""
    return await closed(request, db, caller, ObjectKind.SITE, site_id, body, _site)


@router.patch("/teams/{team_id}")
async def edit_team(team_id: UUID, body: TeamEditIn, caller: Operator, db: Db) -> TeamOut:
    """Edit a team."""
    return await edited(db, caller, ObjectKind.TEAM, team_id, body, _team)


@router.post("/teams/{team_id}/close", response_model=TeamOut)
async def close_team(request: Request, team_id: UUID, body: VersionIn, caller: Operator, db: Db) -> Response:
    """Close a team that has no activity to come."""
    return await closed(request, db, caller, ObjectKind.TEAM, team_id, body, _team)


@router.patch("/themes/{theme_id}")
async def edit_theme(theme_id: UUID, body: ThemeEditIn, caller: Centre, db: Db) -> ThemeOut:
    """Edit a theme."""
    return await edited(db, caller, ObjectKind.THEME, theme_id, body, _theme)


@router.post("/themes/{theme_id}/close", response_model=ThemeOut)
async def close_theme(request: Request, theme_id: UUID, body: VersionIn, caller: Centre, db: Db) -> Response:
    """Close a theme."""
    return await closed(request, db, caller, ObjectKind.THEME, theme_id, body, _theme)


@router.patch("/projects/{project_id}")
async def edit_project(project_id: UUID, body: ProjectEditIn, caller: Staff, db: Db) -> ProjectOut:
    """Edit a project."""
    return await edited(db, caller, ObjectKind.PROJECT, project_id, body, _project)


@router.post("/projects/{project_id}/close", response_model=ProjectOut)
async def close_project(request: Request, project_id: UUID, body: VersionIn, caller: Staff, db: Db) -> Response:
    """Close a project."""
    return await closed(request, db, caller, ObjectKind.PROJECT, project_id, body, _project)


@router.patch("/drives/{drive_id}")
async def edit_drive(drive_id: UUID, body: DriveEditIn, caller: Staff, db: Db, settings: SettingsDep) -> DriveOut:
    """Edit a drive."""

    async def shown(tx: Tx, object_id: UUID) -> DriveOut:
        return drive_out(settings, await recruiting.drive_view(tx, _there(await drives.drive(tx, object_id))))

    return await edited(db, caller, ObjectKind.DRIVE, drive_id, body, shown)


@router.post("/drives/{drive_id}/close", response_model=DriveOut)
async def close_drive(
    request: Request, drive_id: UUID, body: VersionIn, caller: Staff, db: Db, settings: SettingsDep
) -> Response:
    """Close a drive before its end: its code registers no more volunteers."""

    async def shown(tx: Tx, object_id: UUID) -> DriveOut:
        return drive_out(settings, await recruiting.drive_view(tx, _there(await drives.drive(tx, object_id))))

    return await closed(request, db, caller, ObjectKind.DRIVE, drive_id, body, shown)


@router.patch("/appeals/{appeal_id}")
async def edit_appeal(appeal_id: UUID, body: AppealEditIn, caller: Centre, db: Db) -> AppealOut:
    """Edit an appeal."""
    return await edited(db, caller, ObjectKind.APPEAL, appeal_id, body, _appeal)


@router.post("/appeals/{appeal_id}/close", response_model=AppealOut)
async def close_appeal(request: Request, appeal_id: UUID, body: VersionIn, caller: Centre, db: Db) -> Response:
    """Close an appeal: its code registers no more volunteers."""
    return await closed(request, db, caller, ObjectKind.APPEAL, appeal_id, body, _appeal)


@router.get("/changes/{kind}/{object_id}")
async def list_changes(
    kind: ObjectKind, object_id: UUID, caller: Staff, db: Db, cursor: str | None = None, limit: Limit = 50
) -> Page[ChangeOut]:
    """The changes of an object at the caller's sites, newest first."""
    before = None if cursor is None else decode(cursor, [UUID])[0]
    async with db.transaction() as tx:
        rows = await handlers.history(tx, caller, kind, object_id, before, limit + 1)
    return page_of(rows, limit, _change, lambda row: (row.change_id,))


async def edited(
    db: Database,
    caller: Caller,
    kind: ObjectKind,
    object_id: UUID,
    body: Input,
    shown: Callable[[Tx, UUID], Awaitable[T]],
) -> T:
    """Edit an object by its body and answer with it; raises as `handlers.edit`."""
    edits = body.model_dump(exclude_unset=True)
    seen = edits.pop("version")
    async with db.transaction() as tx:
        await handlers.edit(tx, caller, kind, object_id, seen, edits)
        return await shown(tx, object_id)


async def closed(
    request: Request,
    db: Database,
    caller: Caller,
    kind: ObjectKind,
    object_id: UUID,
    body: VersionIn,
    shown: Callable[[Tx, UUID], Awaitable[BaseModel]],
) -> Response:
    """Close an object once and answer with it; raises as `handlers.close`."""

    async def work(tx: Tx) -> BaseModel:
        await handlers.close(tx, caller, kind, object_id, body.version)
        return await shown(tx, object_id)

    return await once(request, db, caller, work, status=200)


F = TypeVar("F")


def _there(found: F | None) -> F:
    assert found is not None
    return found


async def _site(tx: Tx, object_id: UUID) -> SiteOut:
    return site_out(_there(await organisation.find_site(tx, object_id)))


async def _team(tx: Tx, object_id: UUID) -> TeamOut:
    return team_out(_there(await organisation.find_team(tx, object_id)))


async def _theme(tx: Tx, object_id: UUID) -> ThemeOut:
    return theme_out(_there(await organisation.find_theme(tx, object_id)))


async def _project(tx: Tx, object_id: UUID) -> ProjectOut:
    return project_out(_there(await organisation.find_project(tx, object_id)))


async def _appeal(tx: Tx, object_id: UUID) -> AppealOut:
    return appeal_out(_there(await drives.appeal(tx, object_id)))


def _change(change: Edit) -> ChangeOut:
    return ChangeOut(
        change_id=change.change_id,
        version=change.version,
        act=change.act,
        changed_by=change.changed_by,
        changed_at=change.changed_at,
        before=dict(change.before),
        after=dict(change.after),
    )
