"""Rule versions between rows and documents."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from services.points.rules.documents import RuleDocument
from shared.postgres import Tx, load_queries

__all__ = ["StoredRule", "active", "every", "insert_draft", "install", "next_draft", "one"]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A version as the table holds it."""

    document: RuleDocument
    content_hash: bytes
    status: str
    created_at: datetime


async def install(tx: Tx, document: RuleDocument) -> None:
    """Insert a version unless it is there."""
    await tx.execute(
        _SQL["install_version"],
        document.version,
        document.name,
        document.effective_from,
        document.canonical().decode(),
        document.content_hash(),
    )


async def next_draft(tx: Tx) -> int:
    """The number of the next draft, kept for this transaction."""
    await tx.execute(_SQL["number_alone"])
    return int(await tx.fetchval(_SQL["next_draft"]))


async def insert_draft(tx: Tx, document: RuleDocument, source: str, by: UUID, at: datetime) -> None:
    await tx.execute(
        _SQL["insert_draft"],
        document.version,
        document.name,
        document.effective_from,
        document.canonical().decode(),
        document.content_hash(),
        source,
        by,
        at,
    )


async def active(tx: Tx) -> list[StoredRule]:
    return [_stored(row) for row in await tx.fetch(_SQL["active_versions"])]


async def every(tx: Tx) -> list[StoredRule]:
    return [_stored(row) for row in await tx.fetch(_SQL["all_versions"])]


async def one(tx: Tx, version: int) -> StoredRule | None:
    row = await tx.fetchrow(_SQL["one_version"], version)
    return None if row is None else _stored(row)


def _stored(row: Any) -> StoredRule:
    return StoredRule(_document(row["document"]), bytes(row["content_hash"]), row["status"], row["created_at"])


@lru_cache(maxsize=256)
def _document(text: str) -> RuleDocument:
    """Read once: rules are asked for with every act that depends on them."""
    return RuleDocument.model_validate_json(text)
