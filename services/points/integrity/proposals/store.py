"""Proposed voids and decisions on flags, between rows and handlers."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from shared.postgres import Tx, load_queries

_SQL = load_queries(__file__)


class DecidedVoid(NamedTuple):
    """The decision of another site on a record of a case; without an account where none decided in time."""

    case_id: UUID
    record_id: UUID
    outcome: str
    decided_by: UUID | None
    site_id: UUID | None
    decided_at: datetime


async def keep_proposed(tx: Tx, rows: Sequence[tuple[UUID, UUID]]) -> None:
    """Keep that records wait: case, record."""
    if rows:
        await tx.execute(_SQL["keep_proposed"], *map(list, zip(*rows, strict=True)))


async def keep_decided(tx: Tx, rows: Sequence[DecidedVoid]) -> None:
    """Keep what another site decided, once for each record of a case."""
    distinct = {(row.case_id, row.record_id): row for row in reversed(rows)}
    if distinct:
        await tx.execute(_SQL["keep_decided"], *map(list, zip(*distinct.values(), strict=True)))


async def proposals_of(tx: Tx, case_id: UUID) -> dict[UUID, dict[str, Any]]:
    """Record → what another site decided about it, and what a person decided about its flag."""
    return {row["record_id"]: dict(row) for row in await tx.fetch(_SQL["proposals_of"], case_id)}


async def undecided(tx: Tx, case_id: UUID) -> list[tuple[UUID, UUID]]:
    """Records that were not voided and whose flags wait for a person: record, volunteer."""
    return [(row[0], row[1]) for row in await tx.fetch(_SQL["undecided"], case_id)]


async def decide(
    tx: Tx, case_id: UUID, record_ids: Collection[UUID], decision: str, by: UUID, at: datetime, reason: str
) -> None:
    """Keep a decision on flags; cleared ones stand no more."""
    await tx.execute(_SQL["decide"], case_id, list(record_ids), decision, by, at, reason)
    if decision == "cleared":
        await tx.execute(_SQL["clear"], case_id, list(record_ids))
