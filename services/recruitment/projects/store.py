"""Activities of projects, and their sums."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.postgres import Tx, load_queries

__all__ = ["ComingShift", "HeldActivity", "ProjectFigures", "coming", "figures", "held"]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class ProjectFigures:
    """Sums of a project; services are person-times, confirmed."""

    activities: int
    residents_served: int
    services: int


@dataclass(frozen=True, slots=True)
class ComingShift:
    """A shift of a project that can still be joined."""

    shift_id: UUID
    activity_id: UUID
    title: str
    place: str
    site_id: UUID
    starts_at: datetime
    ends_at: datetime
    free: int


@dataclass(frozen=True, slots=True)
class HeldActivity:
    """An activity of a project that began."""

    activity_id: UUID
    title: str
    place: str
    site_id: UUID
    starts_at: datetime
    residents_served: int | None


async def figures(tx: Tx, project_id: UUID) -> ProjectFigures:
    """The sums of a project."""
    row = await tx.fetchrow(_SQL["figures"], project_id)
    assert row is not None
    return ProjectFigures(**dict(row))


async def coming(tx: Tx, project_id: UUID, now: datetime, limit: int) -> list[ComingShift]:
    """Shifts to join, the next first."""
    return [ComingShift(**dict(row)) for row in await tx.fetch(_SQL["coming"], project_id, now, limit)]


async def held(tx: Tx, project_id: UUID, now: datetime, limit: int) -> list[HeldActivity]:
    """Activities that began, the latest first."""
    return [HeldActivity(**dict(row)) for row in await tx.fetch(_SQL["held"], project_id, now, limit)]
