"""Criteria and awards between rows and domain."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.points.badges.documents import CriteriaDocument
from shared.postgres import Tx, load_queries

__all__ = ["NewAward", "Revocation", "every", "insert_awards", "install", "revoke_awards"]

_SQL = load_queries(__file__)


class NewAward(NamedTuple):
    """A badge to be awarded; ``reason`` is JSON."""

    award_id: UUID
    volunteer_id: UUID
    badge: str
    name: str
    criteria_version: int
    reason: str
    cause_event_id: UUID
    correlation_id: str


class Revocation(NamedTuple):
    """A badge to be taken away; ``reason`` is JSON."""

    volunteer_id: UUID
    badge: str
    reason: str


async def install(tx: Tx, document: CriteriaDocument) -> None:
    """Insert a version unless it is there."""
    await tx.execute(
        _SQL["install_version"],
        document.version,
        document.name,
        document.effective_from,
        document.canonical().decode(),
        document.content_hash(),
    )


async def every(tx: Tx) -> list[CriteriaDocument]:
    rows = await tx.fetch(_SQL["all_versions"])
    return [CriteriaDocument.model_validate_json(row["document"]) for row in rows]


async def insert_awards(tx: Tx, awards: Sequence[NewAward], now: datetime) -> None:
    """Write awards in one statement."""
    if awards:
        first: list[Any] = [list(column) for column in zip(*awards, strict=True)]
        await tx.execute(_SQL["insert_awards"], *first[:6], now, *first[6:])


async def revoke_awards(tx: Tx, revocations: Sequence[Revocation], now: datetime) -> dict[tuple[UUID, str], UUID]:
    """Close awards; returns (volunteer, badge) → the award that was closed."""
    if not revocations:
        return {}
    columns = [list(column) for column in zip(*revocations, strict=True)]
    rows = await tx.fetch(_SQL["revoke_awards"], *columns, now)
    return {(row["volunteer_id"], row["badge"]): row["award_id"] for row in rows}
