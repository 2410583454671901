"""Kafka in: attendance into the teams' counts, in a consumer group of its own.

It neither needs the ingest to have applied a record nor waits for it: what it counts of each record is in a table of
its own, and offsets are a hint.
"""

from collections.abc import Sequence

import asyncpg

from services.points.badges.domain import Criteria
from services.points.records.decoding import decode_batch
from services.points.teams import handlers
from services.points.versions.handlers import Current
from shared import deadletters
from shared.deadletters import DeadLetter
from shared.errors import TransientError
from shared.kafka.consumer import Message
from shared.postgres import Database

__all__ = ["GROUP", "TOPICS", "TeamStream"]

GROUP = "points-teams"
TOPICS = ("attendance",)


class TeamStream:
    """The handler of the batch consumer."""

    def __init__(self, db: Database, criteria: Current[Criteria]) -> None:
        self.database = db
        self.criteria = criteria

    async def handle(self, messages: Sequence[Message]) -> None:
        """Count a batch in one transaction; what cannot be read goes to the dead letters of this group.

        Raises:
            TransientError: the same batch may be applied later.
        """
        revisions, sources, letters = decode_batch(messages)
        for place in reversed(range(len(revisions))):  # a team is not credited with what is no record of the ledger
            if not revisions[place].storable:
                letters.append(
                    DeadLetter(sources.pop(place), "a text of the record holds U+0000, which PostgreSQL cannot store")
                )
                del revisions[place]
        try:
            async with self.database.transaction() as tx:
                if revisions:
                    for place in await handlers.count(tx, revisions, self.criteria):
                        revision = revisions[place]
                        reason = (
                            f"record {revision.record_id} revision {revision.revision} is known with other content for "
                            "its team, which stands"
                        )
                        letters.append(DeadLetter(sources[place], reason, "conflict"))
                await deadletters.record(tx, letters, group=GROUP)
        except asyncpg.UniqueViolationError as error:
            raise TransientError(f"a concurrent transaction was first: {error}") from error

    async def dead_letter(self, message: Message, error: Exception) -> None:
        """Dead-letter a message that fails whenever it is applied.

        Raises:
            TransientError: the database is away.
        """
        async with self.database.transaction() as tx:
            await deadletters.record(tx, [DeadLetter(message, f"{type(error).__name__}: {error}")], group=GROUP)
