"""Rows of volunteer organisations, trainings and attendance."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.recruitment.organisation.domain import Level
from shared.postgres import Tx, load_queries

__all__ = [
    "Organisation",
    "Training",
    "TrainingAttendance",
    "add_organisation",
    "add_training",
    "attendances_of",
    "find_organisation",
    "find_training",
    "list_organisations",
    "list_trainings",
    "put_attendance",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Organisation:
    """A volunteer organisation of a level, which belongs to a site."""

    organisation_id: UUID
    name: str
    level: Level
    site_id: UUID
    created_at: datetime
    version: int = 1
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Training:
    """A training of organisations with the sums of its attendance."""

    training_id: UUID
    title: str
    mode: str
    site_id: UUID
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    version: int = 1
    closed_at: datetime | None = None
    organisations: int = 0
    people: int = 0


@dataclass(frozen=True, slots=True)
class TrainingAttendance:
    """How many people of an organisation attended a training."""

    organisation_id: UUID
    name: str
    people: int
    recorded_at: datetime


async def add_organisation(tx: Tx, new: Organisation) -> bool:
    """Insert; false when the name is taken."""
    values = (new.organisation_id, new.name, new.level, new.site_id, new.created_at)
    return await tx.fetchval(_SQL["add_organisation"], *values) is not None


async def find_organisation(tx: Tx, organisation_id: UUID) -> Organisation | None:
    row = await tx.fetchrow(_SQL["find_organisation"], organisation_id)
    return None if row is None else _organisation(row)


async def list_organisations(tx: Tx, after: UUID | None, limit: int) -> list[Organisation]:
    return [_organisation(row) for row in await tx.fetch(_SQL["list_organisations"], after, limit)]


async def add_training(tx: Tx, new: Training) -> None:
    """Insert a training."""
    values = (new.training_id, new.title, new.mode, new.site_id, new.starts_at, new.ends_at, new.created_at)
    await tx.execute(_SQL["add_training"], *values)


async def find_training(tx: Tx, training_id: UUID) -> Training | None:
    row = await tx.fetchrow(_SQL["find_training"], training_id)
    return None if row is None else Training(**dict(row))


async def list_trainings(tx: Tx, before: tuple[datetime, UUID] | None, limit: int) -> list[Training]:
    """A page of trainings, the latest first."""
    at, training_id = before or (None, None)
    return [Training(**dict(row)) for row in await tx.fetch(_SQL["list_trainings"], at, training_id, limit)]


async def attendances_of(tx: Tx, training_id: UUID) -> list[TrainingAttendance]:
    """The attendance of a training by organisation."""
    return [TrainingAttendance(**dict(row)) for row in await tx.fetch(_SQL["attendances_of"], training_id)]


async def put_attendance(
    tx: Tx, training_id: UUID, organisation_id: UUID, people: int, by: UUID, now: datetime
) -> None:
    """Write or correct the attendance of an organisation."""
    await tx.execute(_SQL["put_attendance"], training_id, organisation_id, people, by, now)


def _organisation(row: Any) -> Organisation:
    return Organisation(**{**dict(row), "level": Level(row["level"])})
