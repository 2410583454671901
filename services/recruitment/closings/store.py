"""Rows of answers about automatic closes."""

from services.recruitment.closings.domain import ClosingAnswer
from shared.postgres import Tx, load_queries

__all__ = ["save_answer"]

_SQL = load_queries(__file__)


async def save_answer(tx: Tx, said: ClosingAnswer) -> None:
    """Keep the latest answer about a record."""
    await tx.execute(_SQL["save_answer"], said.record_id, said.revision, said.answer, said.left_at, said.answered_at)
