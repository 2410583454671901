"""Use cases of rules: bring in what is shipped, and read what is in force."""

from services.points.rules import documents, store
from services.points.rules.documents import RuleDocument
from services.points.rules.domain import Rulebook
from services.points.rules.store import StoredRule
from shared.auth.tokens import Caller
from shared.errors import Invalid, NotFound, PermanentError
from shared.postgres import Database, Tx

__all__ = ["draft", "find", "install", "listed", "rulebook"]


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


async def draft(tx: Tx, caller: Caller, text: str) -> StoredRule:
    """Keep a rule as a draft, which nothing stands under; it gets the next number from 1001 on.

    Raises:
        Invalid: ``rule-invalid``, with ``problems``: the line, the path and what is wrong, each.
    """
    found = documents.check(text, version=await store.next_draft(tx))
    if not isinstance(found, RuleDocument):
        raise Invalid(
            "rule-invalid",
            "; ".join(str(problem) for problem in found[:5]),
            problems=[problem.model_dump() for problem in found],
        )
    await store.insert_draft(tx, found, text, caller.subject, await tx.now())
    return await find(tx, found.version)


async def find(tx: Tx, version: int) -> StoredRule:
    """One version.

    Raises:
        NotFound: there is no such version.
    """
    stored = await store.one(tx, version)
    if stored is None:
        raise NotFound("rule-unknown", f"there is no rule version {version}")
    return stored
