"""Rows of need tags."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.postgres import Tx, load_queries

__all__ = ["NeedTag", "add_tag", "find_tag", "list_tags", "open_tags", "set_tags", "tags_of"]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class NeedTag:
    """A need of residents; ``teams`` counts the open teams that serve it."""

    tag_id: UUID
    tag: str
    zh: str
    en: str
    created_at: datetime
    version: int
    closed_at: datetime | None
    teams: int


async def add_tag(tx: Tx, tag_id: UUID, tag: str, zh: str, en: str, now: datetime) -> bool:
    """Insert; false when the code is taken."""
    return await tx.fetchval(_SQL["add_tag"], tag_id, tag, zh, en, now) is not None


async def find_tag(tx: Tx, tag_id: UUID) -> NeedTag | None:
    row = await tx.fetchrow(_SQL["find_tag"], tag_id)
    return None if row is None else NeedTag(**dict(row))


async def list_tags(tx: Tx) -> list[NeedTag]:
    return [NeedTag(**dict(row)) for row in await tx.fetch(_SQL["list_tags"])]


async def open_tags(tx: Tx, tag_ids: Collection[UUID]) -> set[UUID]:
    """Those of the ids that are open tags."""
    return {row["tag_id"] for row in await tx.fetch(_SQL["open_tags"], sorted(tag_ids))}


async def tags_of(tx: Tx, team_id: UUID) -> dict[UUID, str]:
    """A team's tags: id → code."""
    return {row["tag_id"]: row["tag"] for row in await tx.fetch(_SQL["tags_of"], team_id)}


async def set_tags(tx: Tx, team_id: UUID, tag_ids: Collection[UUID]) -> None:
    """Replace a team's tags."""
    await tx.execute(_SQL["clear_tags"], team_id)
    await tx.execute(_SQL["add_team_tags"], team_id, sorted(tag_ids))
