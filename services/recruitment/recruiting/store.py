"""Rows of drives and appeals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from services.recruitment.recruiting.domain import Funnel, NewAppeal, NewDrive, PlaceKind
from shared.postgres import Tx, load_queries

__all__ = [
    "Appeal",
    "Drive",
    "add_appeal",
    "add_drive",
    "appeal",
    "appeal_by_code",
    "drive",
    "drive_by_code",
    "funnels",
    "list_appeals",
    "list_drives",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Drive:
    """A drive as stored."""

    drive_id: UUID
    code: str
    name: str
    place_kind: PlaceKind
    place: str
    site_id: UUID
    starts_at: datetime
    ends_at: datetime
    opened_at: datetime
    version: int = 1
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Appeal:
    """An appeal as stored; ``registered`` counts the people who came through it, where that was asked for."""

    appeal_id: UUID
    code: str
    title: str
    channel: str
    body: str
    published_at: datetime
    version: int = 1
    closed_at: datetime | None = None
    registered: int | None = None


async def add_drive(tx: Tx, drive_id: UUID, code: str, new: NewDrive, by: UUID, now: datetime) -> bool:
    """Insert; false when the code is taken."""
    row = await tx.fetchval(
        _SQL["add_drive"],
        drive_id,
        code,
        new.name,
        new.place_kind,
        new.place,
        new.site_id,
        new.starts_at,
        new.ends_at,
        by,
        now,
    )
    return row is not None


async def drive(tx: Tx, drive_id: UUID) -> Drive | None:
    row = await tx.fetchrow(_SQL["drive"], drive_id)
    return None if row is None else _drive(row)


async def drive_by_code(tx: Tx, code: str) -> Drive | None:
    row = await tx.fetchrow(_SQL["drive_by_code"], code)
    return None if row is None else _drive(row)


async def list_drives(tx: Tx, after: UUID | None, site_ids: frozenset[UUID] | None, limit: int) -> list[Drive]:
    """A page in order of opening, within the sites given (none: everywhere)."""
    sites = None if site_ids is None else list(site_ids)
    return [_drive(row) for row in await tx.fetch(_SQL["list_drives"], after, sites, limit)]


async def funnels(tx: Tx, drive_ids: Sequence[UUID]) -> dict[UUID, Funnel]:
    """The funnel of each drive."""
    rows = await tx.fetch(_SQL["funnels"], list(drive_ids))
    return {
        row["drive_id"]: Funnel(row["registered"], row["signed_up"], row["checked_in"], row["served"]) for row in rows
    }


async def add_appeal(tx: Tx, appeal_id: UUID, code: str, new: NewAppeal, by: UUID, now: datetime) -> bool:
    """Insert; false when the code is taken."""
    row = await tx.fetchval(_SQL["add_appeal"], appeal_id, code, new.title, new.channel, new.body, by, now)
    return row is not None


async def appeal(tx: Tx, appeal_id: UUID) -> Appeal | None:
    row = await tx.fetchrow(_SQL["appeal"], appeal_id)
    return None if row is None else Appeal(**row)


async def appeal_by_code(tx: Tx, code: str) -> Appeal | None:
    row = await tx.fetchrow(_SQL["appeal_by_code"], code)
    return None if row is None else Appeal(**row)


async def list_appeals(tx: Tx, after: UUID | None, limit: int) -> list[Appeal]:
    """A page in order of publication, with counts."""
    return [Appeal(**row) for row in await tx.fetch(_SQL["list_appeals"], after, limit)]


def _drive(row: Record) -> Drive:
    return Drive(**{**row, "place_kind": PlaceKind(row["place_kind"])})
