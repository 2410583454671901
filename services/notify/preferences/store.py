"""Preferences to rows and back."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notify.preferences.domain import DEFAULT, Preferences
from shared.postgres import Tx, load_queries

__all__ = ["get", "lock", "of_many", "put"]

_SQL = load_queries(__file__)


async def get(tx: Tx, volunteer_id: UUID) -> Preferences:
    """The choices of a volunteer, or the default."""
    row = await tx.fetchrow(_SQL["get"], volunteer_id)
    return _preferences(row) if row else DEFAULT


async def of_many(tx: Tx, volunteer_ids: Iterable[UUID]) -> dict[UUID, Preferences]:
    """Only those who chose something are in the answer."""
    ids = sorted(set(volunteer_ids))
    if not ids:
        return {}
    return {row["volunteer_id"]: _preferences(row) for row in await tx.fetch(_SQL["of_many"], ids)}


async def lock(tx: Tx, volunteer_id: UUID, at: datetime) -> None:
    """Lock a volunteer's row, made with the default if there is none; read it in a later statement."""
    await tx.execute(_SQL["ensure"], volunteer_id, DEFAULT.email, DEFAULT.quiet_from, DEFAULT.quiet_to, at)
    await tx.execute(_SQL["lock"], volunteer_id)


async def put(tx: Tx, volunteer_id: UUID, preferences: Preferences, at: datetime) -> None:
    """Replace the choice."""
    await tx.execute(_SQL["put"], volunteer_id, preferences.email, preferences.quiet_from, preferences.quiet_to, at)


def _preferences(row: Any) -> Preferences:
    return Preferences(row["email"], row["quiet_from"], row["quiet_to"])
