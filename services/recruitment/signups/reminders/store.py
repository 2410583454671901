"""Rows of reminders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.postgres import Tx, load_queries

__all__ = ["DueReminder", "remind"]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class DueReminder:
    """A sign-up whose shift begins within ``hours``."""

    signup_id: UUID
    volunteer_id: UUID
    version: int
    hours: int
    shift_id: UUID
    starts_at: datetime
    activity_id: UUID
    title: str
    site_id: UUID


async def remind(tx: Tx, now: datetime, hours: Sequence[int], limit: int) -> list[DueReminder]:
    """Note reminders that are due; returns those that were not noted before."""
    return [DueReminder(**dict(row)) for row in await tx.fetch(_SQL["remind"], now, list(hours), max(hours), limit)]
