"""Rows of consent, and the board."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from services.points.leaders.domain import Leader
from shared.postgres import Tx, load_queries

SQL = load_queries(__file__)


async def put_visibility(tx: Tx, volunteer_id: UUID, number: str, shown: bool, at: datetime) -> None:
    """Keep what the volunteer said."""
    await tx.execute(SQL["put_visibility"], volunteer_id, number, shown, at)


async def shown(tx: Tx, volunteer_id: UUID) -> bool:
    """Whether the volunteer agreed to be shown."""
    return bool(await tx.fetchval(SQL["shown"], volunteer_id))


async def leaders(
    tx: Tx, first: date, last: date, *, site_id: UUID | None, team_id: UUID | None, limit: int
) -> list[Leader]:
    """Those who served most in these days."""
    return [Leader(**dict(row)) for row in await tx.fetch(SQL["leaders"], first, last, site_id, team_id, limit)]
