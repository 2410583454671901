"""Rows of sites, teams, themes, projects and honours."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

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
from shared.ids import new_id
from shared.postgres import Tx, load_queries

__all__ = [
    "Project",
    "Site",
    "Team",
    "Theme",
    "add_honours",
    "add_project",
    "add_site",
    "add_team",
    "add_theme",
    "find_honour",
    "find_project",
    "find_site",
    "find_team",
    "find_theme",
    "list_projects",
    "list_sites",
    "list_teams",
    "list_themes",
    "volunteer_claimed",
    "within_reach",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Site:
    """A site as stored."""

    site_id: UUID
    kind: SiteKind
    name: str
    parent_id: UUID | None
    level: Level
    created_at: datetime
    version: int = 1
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Team:
    """A team as stored."""

    team_id: UUID
    kind: TeamKind
    name: str
    site_id: UUID
    leader_volunteer_id: UUID | None
    docked: bool
    created_at: datetime
    version: int = 1
    closed_at: datetime | None = None
    series: Series | None = None
    department: str | None = None
    head: str | None = None


@dataclass(frozen=True, slots=True)
class Theme:
    """A theme as stored."""

    theme_id: UUID
    name: str
    pillar: Pillar
    created_at: datetime
    version: int = 1
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """A brand project as stored, with its honours."""

    project_id: UUID
    name: str
    site_id: UUID
    pillar: Pillar
    created_at: datetime
    honours: tuple[Honour, ...] = ()
    version: int = 1
    closed_at: datetime | None = None
    summary: str | None = None


async def find_site(tx: Tx, site_id: UUID) -> Site | None:
    """A site, held against being closed or moved until the end of the transaction; or none."""
    row = await tx.fetchrow(_SQL["find_site"], site_id)
    return None if row is None else _site(row)


async def add_site(tx: Tx, site_id: UUID, new: NewSite, level: Level, now: datetime) -> bool:
    """Insert; false when the name is taken, or it is a second centre."""
    row = await tx.fetchval(_SQL["add_site"], site_id, new.kind, new.name, new.parent_id, level, now)
    return row is not None


async def list_sites(tx: Tx, after: UUID | None, limit: int) -> list[Site]:
    return [_site(row) for row in await tx.fetch(_SQL["list_sites"], after, limit)]


async def add_team(tx: Tx, team_id: UUID, new: NewTeam, now: datetime) -> bool:
    """Insert; false when the name is taken, or it is a second corps."""
    row = await tx.fetchval(
        _SQL["add_team"],
        team_id,
        new.kind,
        new.name,
        new.site_id,
        new.docked,
        now,
        new.series,
        new.department,
        new.head,
    )
    return row is not None


async def list_teams(tx: Tx, after: UUID | None, limit: int) -> list[Team]:
    return [_team(row) for row in await tx.fetch(_SQL["list_teams"], after, limit)]


async def find_team(tx: Tx, team_id: UUID) -> Team | None:
    row = await tx.fetchrow(_SQL["find_team"], team_id)
    return None if row is None else _team(row)


async def volunteer_claimed(tx: Tx, volunteer_id: UUID) -> bool | None:
    """Whether the volunteer's account was claimed; none when there is no such volunteer."""
    claimed: bool | None = await tx.fetchval(_SQL["volunteer_exists"], volunteer_id)
    return claimed


async def within_reach(tx: Tx, volunteer_id: UUID, site_ids: Collection[UUID], team_ids: Collection[UUID]) -> bool:
    """Whether a volunteer belongs to, signed up for or served at one of the sites or with one of the teams."""
    return bool(await tx.fetchval(_SQL["within_reach"], volunteer_id, sorted(site_ids), sorted(team_ids)))


async def add_theme(tx: Tx, theme_id: UUID, new: NewTheme, now: datetime) -> bool:
    """Insert; false when the name is taken."""
    return await tx.fetchval(_SQL["add_theme"], theme_id, new.name, new.pillar, now) is not None


async def find_theme(tx: Tx, theme_id: UUID) -> Theme | None:
    row = await tx.fetchrow(_SQL["find_theme"], theme_id)
    return None if row is None else _theme(row)


async def list_themes(tx: Tx, after: UUID | None, limit: int) -> list[Theme]:
    return [_theme(row) for row in await tx.fetch(_SQL["list_themes"], after, limit)]


async def add_project(tx: Tx, project_id: UUID, new: NewProject, now: datetime) -> bool:
    """Insert with honours; false when the name is taken."""
    values = (project_id, new.name, new.site_id, new.pillar, now, new.summary)
    if await tx.fetchval(_SQL["add_project"], *values) is None:
        return False
    await add_honours(tx, project_id, new.honours, now)
    return True


async def add_honours(tx: Tx, project_id: UUID, honours: Sequence[Honour], now: datetime) -> None:
    """Insert honours of a project; those without an id get one."""
    await tx.execute(
        _SQL["add_honours"],
        project_id,
        [honour.honour_id or new_id() for honour in honours],
        [honour.title for honour in honours],
        [honour.awarded_by for honour in honours],
        [honour.year for honour in honours],
        now,
        [honour.level for honour in honours],
        [honour.category for honour in honours],
    )


async def find_honour(tx: Tx, honour_id: UUID) -> Honour | None:
    row = await tx.fetchrow(_SQL["find_honour"], honour_id)
    return None if row is None else _honour(row)


async def list_projects(tx: Tx, after: UUID | None, limit: int) -> list[Project]:
    return await _projects(tx, await tx.fetch(_SQL["list_projects"], after, limit))


async def find_project(tx: Tx, project_id: UUID) -> Project | None:
    found = await _projects(tx, await tx.fetch(_SQL["find_project"], project_id))
    return found[0] if found else None


async def _projects(tx: Tx, rows: Sequence[Record]) -> list[Project]:
    honours: dict[UUID, list[Honour]] = {row["project_id"]: [] for row in rows}
    for row in await tx.fetch(_SQL["honours_of"], list(honours)):
        honours[row["project_id"]].append(_honour(row))
    return [
        Project(
            row["project_id"],
            row["name"],
            row["site_id"],
            Pillar(row["pillar"]),
            row["created_at"],
            tuple(honours[row["project_id"]]),
            row["version"],
            row["closed_at"],
            row["summary"],
        )
        for row in rows
    ]


def _honour(row: Record) -> Honour:
    level, category = row["level"], row["category"]
    return Honour(
        row["title"],
        row["awarded_by"],
        row["year"],
        None if level is None else HonourLevel(level),
        None if category is None else HonourCategory(category),
        row["honour_id"],
        row["version"],
    )


def _site(row: Record) -> Site:
    return Site(**{**row, "kind": SiteKind(row["kind"]), "level": Level(row["level"])})


def _team(row: Record) -> Team:
    series = row["series"]
    return Team(**{**row, "kind": TeamKind(row["kind"]), "series": None if series is None else Series(series)})


def _theme(row: Record) -> Theme:
    return Theme(**{**row, "pillar": Pillar(row["pillar"])})
