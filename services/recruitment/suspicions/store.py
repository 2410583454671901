"""Suspicions between rows and handlers."""

from collections.abc import Collection
from uuid import UUID

from shared.postgres import Tx, load_queries

_SQL = load_queries(__file__)


async def volunteers(tx: Tx, record_ids: Collection[UUID]) -> list[UUID]:
    """The volunteers of these records, sorted, to be locked."""
    return [row[0] for row in await tx.fetch(_SQL["volunteers"], list(record_ids))]


async def keep_from_deciding(tx: Tx, account_id: UUID, record_ids: Collection[UUID]) -> None:
    """Add an account to those that had a hand in records that wait, without its site."""
    await tx.execute(_SQL["keep_from_deciding"], account_id, list(record_ids))


async def remember(tx: Tx, case_id: UUID, record_ids: Collection[UUID], settled_by: UUID) -> list[UUID]:
    """Keep that a case that an account settled proposed to void these; returns those that are new."""
    return [row[0] for row in await tx.fetch(_SQL["remember"], case_id, list(record_ids), settled_by)]
