"""Kafka in: batches of attendance into the ledger, dead letters included."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import structlog

from services.points.ingest.handlers import Policy, UnlockedOwners, ingest
from services.points.records.decoding import decode_batch
from services.points.records.domain import RecordRevision
from services.points.records.store import RecordRefused
from shared import deadletters
from shared.deadletters import DeadLetter
from shared.errors import TransientError
from shared.kafka.consumer import Message
from shared.postgres import Database

__all__ = ["GROUP", "TOPICS", "IngestStream", "group_of"]

GROUP = "points-ingest"
TOPICS = ("attendance",)
KNOWN_AT_MOST = 2_000_000
_ATTEMPTS = 10
"""How often a batch begins again because its records turn out to be another volunteer's; then it waits."""
_SMALL = 200
"""A batch of so few records is begun again where PostgreSQL refuses one of them, instead of being ready for that."""
_log = structlog.get_logger(__name__)


def group_of(generation: int) -> str:
    """The consumer group that reads for the ``generation``-th time."""
    return f"{GROUP}-{generation}" if generation else GROUP


class IngestStream:
    """The handler of the batch consumer, in several lanes at once.

    All of one volunteer lies in one partition, and a
    partition in one lane.

    It remembers which accounts exist, once their opening is committed: accounts are never closed.
    """

    def __init__(self, db: Database, policy: Policy) -> None:
        self.database = db
        self.policy = policy
        self._known: set[UUID] = set()

    async def handle(self, messages: Sequence[Message]) -> None:
        """Apply a batch in one transaction: revisions to the ledger, what cannot be read to the dead letters.

        Raises:
            TransientError: the same batch may be applied later.
        """
        revisions, sources, refused = decode_batch(messages)
        also_lock: set[UUID] = set()
        savepoints = len(revisions) > _SMALL
        for _ in range(_ATTEMPTS):
            try:
                await self._apply(revisions, sources, refused, also_lock, savepoints=savepoints)
                break
            except RecordRefused:
                if savepoints:
                    raise
                savepoints = True
            except UnlockedOwners as error:
                also_lock |= error.volunteer_ids
            except asyncpg.UniqueViolationError as error:
                # Another transaction stored the same record first, under another volunteer's lock: read it anew.
                raise TransientError(f"a concurrent transaction was first: {error}") from error
        else:
            raise TransientError("records keep changing hands while they are being applied")
        if len(self._known) > KNOWN_AT_MOST:
            self._known.clear()
        self._known.update(revision.volunteer_id for revision in revisions)

    async def _apply(
        self,
        revisions: list[RecordRevision],
        sources: list[Message],
        refused: list[DeadLetter],
        also_lock: set[UUID],
        *,
        savepoints: bool,
    ) -> None:
        async with self.database.transaction() as tx:
            letters = refused
            if revisions:
                outcome = await ingest(
                    tx, revisions, self.policy, also_lock=also_lock, known=self._known, savepoints=savepoints
                )
                letters = refused + [_conflict(sources[place], revisions[place]) for place in outcome.conflicts]
                letters += [DeadLetter(sources[place], str(error)) for place, error in outcome.refused.items()]
            await deadletters.record(tx, letters, group=GROUP)

    async def dead_letter(self, message: Message, error: Exception) -> None:
        """Dead-letter a message that fails whenever it is applied.

        Raises:
            TransientError: the database is away.
        """
        reason = f"{type(error).__name__}: {error}"
        _log.warning("ingest.dead_lettered", topic=message.topic, partition=message.partition, offset=message.offset)
        async with self.database.transaction() as tx:
            await deadletters.record(tx, [DeadLetter(message, reason)], group=GROUP)


def _conflict(message: Message, revision: RecordRevision) -> DeadLetter:
    reason = f"record {revision.record_id} revision {revision.revision} is known with other content, which stands"
    return DeadLetter(message, reason, "conflict")
