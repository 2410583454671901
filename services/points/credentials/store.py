"""Awards as credentials need them."""

from typing import Any
from uuid import UUID

from shared.postgres import Tx, load_queries

__all__ = ["award"]

_SQL = load_queries(__file__)


async def award(tx: Tx, award_id: UUID) -> dict[str, Any] | None:
    """The award's row, or None."""
    row = await tx.fetchrow(_SQL["award"], award_id)
    return None if row is None else dict(row)
