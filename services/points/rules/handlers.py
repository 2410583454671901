"""Use cases of rules: bring in what is shipped, and read what is in force."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from services.points.rules import documents, store
from services.points.rules.documents import RuleDocument
from services.points.rules.domain import Rulebook
from services.points.rules.store import StoredRule
from shared.errors import Invalid, NotFound, PermanentError
from shared.postgres import Database, Tx

if TYPE_CHECKING:  # tokens bring cryptography with them, which workers and agents do without
    from shared.auth.tokens import Caller

__all__ = ["Rulebooks", "draft", "find", "install", "listed", "rulebook", "rulebook_of"]

_log = structlog.get_logger(__name__)


class Rulebooks:
    """The rules in force by generation, for a process: a generation never changes, so each is read once."""

    def __init__(self) -> None:
        self._known: dict[int, Rulebook] = {}

    async def of(self, tx: Tx, generations: Collection[int]) -> Mapping[int, Rulebook]:
        """The rules of these generations, and perhaps of others."""
        missing = [generation for generation in generations if generation not in self._known]
        if missing:
            for generation, stored in (await store.generations(tx, missing)).items():
                self._known[generation] = Rulebook(one.document.rule() for one in stored)
        return self._known


async def install(db: Database) -> Rulebooks:
    """Make sure that the shipped versions are in the table, and in force.

    A version that is new comes into force for everybody, one volunteer after the other, unless that is going on for
    another: then it waits for the next start.

    Raises:
        PermanentError: a version in the table says something else than the one shipped under its number.
    """
    shipped = {document.version: document for document in documents.shipped()}
    async with db.transaction() as tx:
        known = {stored.document.version for stored in await store.every(tx)}
        if missing := sorted(shipped.keys() - known):
            await store.change_rules(tx)
            newest = await store.newest_generation(tx)
            if newest.versions and await store.under_way(tx):
                _log.warning("rules.wait", versions=missing, reason="other rules are coming into force")
            else:
                fresh = [version for version in missing if await store.install(tx, shipped[version])]
                await _in_force(tx, newest, fresh)
        for stored in await store.every(tx):
            document = shipped.get(stored.document.version)
            if document is not None and stored.content_hash != document.content_hash():
                raise PermanentError(
                    f"rule version {document.version} was changed after it came into force; write a new version instead"
                )
    return Rulebooks()


async def _in_force(tx: Tx, newest: store.Generation, fresh: Sequence[int]) -> None:
    versions = sorted({*newest.versions, *fresh})
    if not newest.versions:
        await store.fill_generation(tx, newest.generation, versions)
    elif fresh:
        await store.insert_generation(tx, versions, await tx.now())


async def rulebook(tx: Tx) -> Rulebook:
    """The rules of the newest generation: those that all volunteers are under, or move to."""
    newest = await store.newest_generation(tx)
    found = await store.generations(tx, [newest.generation])
    return Rulebook(stored.document.rule() for stored in found.get(newest.generation, ()))


async def rulebook_of(tx: Tx, volunteer_id: UUID) -> Rulebook:
    """The rules of all buckets of a volunteer.

    Of a volunteer whom points has not seen, the newest. The caller
    holds the volunteer's lock.
    """
    found = await store.of_volunteer(tx, volunteer_id)
    return Rulebook(stored.document.rule() for stored in found) if found else await rulebook(tx)


async def listed(tx: Tx) -> list[StoredRule]:
    """Every version, for reading."""
    return await store.every(tx)


async def draft(tx: Tx, caller: Caller, text: str) -> StoredRule:
    """Keep a rule as a draft, without buckets; it gets the next number from 1001 on.

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
