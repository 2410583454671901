"""Rows of pickup codes and of wrong guesses, to the domain and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.points.rewards.lockout.domain import Guesses
from shared.postgres import Tx, load_queries

__all__ = ["Found", "find_by_code", "forget_spent", "give_guess_back", "lock_guesses", "note_guesses"]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Found:
    """The redemption that a code is, or was, for."""

    redemption_id: UUID
    site_id: UUID
    locked_until: datetime | None


async def lock_guesses(tx: Tx, staff_id: UUID, real: datetime) -> Guesses:
    """The caller's guesses, locked; none yet in a window that begins now."""
    row = await tx.fetchrow(_SQL["lock_guesses"], staff_id, real)
    assert row is not None, "an insert that updates on conflict always returns its row"
    return Guesses(row["since"], row["guesses"])


async def note_guesses(tx: Tx, staff_id: UUID, guesses: Guesses) -> None:
    """Remember the count."""
    await tx.execute(_SQL["note_guesses"], staff_id, guesses.since, guesses.number)


async def give_guess_back(tx: Tx, staff_id: UUID, since: datetime) -> None:
    """Take one guess off the count of the window that began at ``since``."""
    await tx.execute(_SQL["give_guess_back"], staff_id, since)


async def find_by_code(tx: Tx, code: str) -> Found | None:
    """The hold with this code, or the one that ended with it lately, or none."""
    row = await tx.fetchrow(_SQL["find_by_code"], code)
    return None if row is None else Found(**dict(row))


async def forget_spent(tx: Tx, spent_before: datetime) -> None:
    """Forget codes of holds that ended before an instant of real time."""
    await tx.execute(_SQL["forget_spent"], spent_before)
