"""Rule versions between rows and documents."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from services.points.rules.documents import RuleDocument
from shared.postgres import Tx, load_queries

__all__ = [
    "Generation",
    "StoredRule",
    "change_rules",
    "every",
    "fill_generation",
    "generations",
    "insert_draft",
    "insert_generation",
    "install",
    "keep_rules",
    "newest_generation",
    "next_draft",
    "of_volunteer",
    "one",
    "set_status",
    "under_way",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A version as the table holds it."""

    document: RuleDocument
    content_hash: bytes
    status: str
    created_at: datetime


class Generation(NamedTuple):
    """A set of versions that were in force together, by number; the newest is where everybody is to be."""

    generation: int
    versions: list[int]


async def install(tx: Tx, document: RuleDocument) -> bool:
    """Insert a version; false if it was there."""
    version = await tx.fetchval(
        _SQL["install_version"],
        document.version,
        document.name,
        document.effective_from,
        document.canonical().decode(),
        document.content_hash(),
    )
    return version is not None


async def keep_rules(tx: Tx) -> datetime:
    """No generation is made, and no complaint recorded, until the end of the transaction; beside others who ask so.
    Returns business time, as ``tx.now`` does.
    """
    row = await tx.fetchrow(_SQL["keep_rules"])
    assert row is not None
    return tx.at(row[2])


async def change_rules(tx: Tx) -> None:
    """Keep transactions from deciding by rules until the end of this one. Read the rules in a later statement."""
    await tx.execute(_SQL["change_rules"])


async def newest_generation(tx: Tx) -> Generation:
    return Generation(*await tx.fetchrow(_SQL["newest_generation"]) or (0, []))


async def fill_generation(tx: Tx, generation: int, versions: Sequence[int]) -> None:
    await tx.execute(_SQL["fill_generation"], generation, list(versions))


async def insert_generation(tx: Tx, versions: Sequence[int], at: datetime) -> int:
    """Its number. The caller holds `change_rules`."""
    return int(await tx.fetchval(_SQL["insert_generation"], list(versions), at))


async def under_way(tx: Tx) -> bool:
    """Whether any volunteer is under an older generation than the newest, or that is not settled yet."""
    return bool(await tx.fetchval(_SQL["under_way"]))


async def set_status(tx: Tx, version: int, before: str, after: str) -> bool:
    """False if the version's status is not ``before``."""
    return await tx.fetchval(_SQL["set_status"], version, before, after) is not None


async def generations(tx: Tx, numbers: Collection[int]) -> dict[int, list[StoredRule]]:
    """The versions of each of these generations."""
    found: dict[int, list[StoredRule]] = {}
    for row in await tx.fetch(_SQL["generations"], list(numbers)):
        found.setdefault(row["generation"], []).append(_stored(row))
    return found


async def of_volunteer(tx: Tx, volunteer_id: UUID) -> list[StoredRule]:
    """The versions of the generation that the volunteer is under; none if there is no account."""
    return [_stored(row) for row in await tx.fetch(_SQL["rules_of_volunteer"], volunteer_id)]


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
