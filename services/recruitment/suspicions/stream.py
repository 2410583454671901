"""Kafka in: confirmed cases of integrity, whose records wait for another site."""

from collections.abc import Sequence

from services.recruitment.suspicions import handlers
from shared import deadletters
from shared.cloudevents import decode, other_types, type_of
from shared.contracts import CaseSettled
from shared.deadletters import DeadLetter
from shared.errors import PermanentError
from shared.kafka.consumer import Message
from shared.postgres import Database
from shared.telemetry import trace

__all__ = ["GROUP", "TOPICS", "SuspicionStream"]

GROUP = "recruitment-integrity"
TOPICS = ("integrity",)
_IGNORED = other_types(TOPICS, (CaseSettled,))


class SuspicionStream:
    """The handler of the batch consumer."""

    def __init__(self, db: Database) -> None:
        self.database = db

    async def handle(self, messages: Sequence[Message]) -> None:
        """Apply settled cases, each in a transaction of its own; what cannot be read becomes a dead letter.

        Raises:
            TransientError: the same batch may be applied later.
        """
        for message in messages:
            if type_of(message.headers) in _IGNORED:
                continue
            try:
                event = decode(message.headers, message.value)
                data = event.data
                if not isinstance(data, CaseSettled):
                    raise PermanentError(f"the event type {event.type!r} does not belong on this topic")
            except PermanentError as error:
                await self.dead_letter(message, error)
                continue
            if data.outcome == "confirmed" and data.settled_by is not None:
                with trace.bind(event.traceparent, event.correlation_id):
                    async with self.database.transaction() as tx:
                        await handlers.propose_voids(tx, data.case_id, data.record_ids, data.settled_by)

    async def dead_letter(self, message: Message, error: Exception) -> None:
        """Dead-letter a message that fails whenever it is applied.

        Raises:
            TransientError: the database is away.
        """
        reason = str(error) if isinstance(error, PermanentError) else f"{type(error).__name__}: {error}"
        async with self.database.transaction() as tx:
            await deadletters.record(tx, [DeadLetter(message, reason)], group=GROUP)
