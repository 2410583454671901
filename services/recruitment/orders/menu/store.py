"""Rows of the menu and of the calendar."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.recruitment.orders.store import Need
from shared.postgres import Tx, load_queries

__all__ = ["ExceptionalDay", "MenuProject", "list_days", "list_needs", "list_projects", "save_day", "save_need"]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class MenuProject:
    """A brand project on the menu."""

    project_id: UUID
    name: str
    summary: str | None
    site_id: UUID
    site_name: str


@dataclass(frozen=True, slots=True)
class ExceptionalDay:
    """A day off during the week or a weekend day that is worked; ``source`` is None where the centre said so."""

    day: date
    works: bool
    source: str | None


async def list_needs(tx: Tx, *, withdrawn: bool) -> list[Need]:
    """The needs that can be ordered, by name; with those off the menu if ``withdrawn``."""
    return [Need(**dict(row)) for row in await tx.fetch(_SQL["list_needs"], withdrawn)]


async def save_need(tx: Tx, need: Need, by: UUID, now: datetime) -> bool:
    """Write the next version; false when a concurrent transaction wrote it."""
    written = await tx.fetchval(
        _SQL["save_need"],
        need.tag_id,
        need.what,
        need.minutes,
        need.people,
        need.orderable,
        need.theme_id,
        need.version,
        by,
        now,
    )
    return written is not None


async def list_projects(tx: Tx) -> Sequence[MenuProject]:
    """The open brand projects."""
    return [MenuProject(**dict(row)) for row in await tx.fetch(_SQL["list_projects"])]


async def list_days(tx: Tx, first: date, last: date) -> list[ExceptionalDay]:
    """The exceptions between two days, both included."""
    return [ExceptionalDay(**dict(row)) for row in await tx.fetch(_SQL["list_days"], first, last)]


async def save_day(tx: Tx, day: date, works: bool, by: UUID, now: datetime) -> None:
    """Write an exception."""
    await tx.execute(_SQL["save_day"], day, works, by, now)
