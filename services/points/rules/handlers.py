"""Use cases of rules: bring in what is shipped, and read what is in force."""

from services.points.rules import documents, store
from services.points.rules.domain import Rulebook
from services.points.rules.store import StoredRule
from shared.errors import NotFound, PermanentError
from shared.postgres import Database, Tx

__all__ = ["find", "install", "listed", "rulebook"]


async def install(database: Database) -> Rulebook:
    """Make sure that the shipped versions are in the table; returns the rules in force.

    Raises:
        PermanentError: a version in the table says something else than the one shipped under its number.
    """
    async with database.transaction() as tx:
        for document in documents.shipped():
            await store.install(tx, document)
            stored = await store.one(tx, document.version)
            if stored is None or stored.content_hash != document.content_hash():
                raise PermanentError(
                    f"rule version {document.version} was changed after it came into force; write a new version instead"
                )
        return await rulebook(tx)


async def rulebook(tx: Tx) -> Rulebook:
    """The rules in force."""
    return Rulebook(stored.document.rule() for stored in await store.active(tx))


async def listed(tx: Tx) -> list[StoredRule]:
    """Every version, for reading."""
    return await store.every(tx)


async def find(tx: Tx, version: int) -> StoredRule:
    """One version.

    Raises:
        NotFound: there is no such version.
    """
    stored = await store.one(tx, version)
    if stored is None:
        raise NotFound("rule-unknown", f"there is no rule version {version}")
    return stored
