"""Kafka in: orders of residents, of which complaints in ratings wait for a decision."""

from collections.abc import Sequence

from services.points.complaints.proposals import handlers
from shared import deadletters
from shared.cloudevents import decode
from shared.contracts import OrderChanged
from shared.deadletters import DeadLetter
from shared.errors import PermanentError
from shared.kafka.consumer import Message
from shared.postgres import Database

__all__ = ["GROUP", "TOPICS", "OrderComplaintStream"]

GROUP = "points-orders"
TOPICS = ("orders",)


class OrderComplaintStream:
    """The handler of the batch consumer."""

    def __init__(self, db: Database) -> None:
        self.database = db

    async def handle(self, messages: Sequence[Message]) -> None:
        """Keep the complaints of a batch in one transaction; what cannot be read becomes a dead letter.

        Raises:
            TransientError: the same batch may be applied later.
        """
        async with self.database.transaction() as tx:
            for message in messages:
                try:
                    event = decode(message.headers, message.value)
                    if not isinstance(event.data, OrderChanged):
                        raise PermanentError(f"the event type {event.type!r} does not belong on this topic")
                except PermanentError as error:
                    await deadletters.record(tx, [DeadLetter(message, str(error))], group=GROUP)
                    continue
                await handlers.keep(tx, event.id, event.data)

    async def dead_letter(self, message: Message, error: Exception) -> None:
        """Dead-letter a message that fails whenever it is applied.

        Raises:
            TransientError: the database is away.
        """
        async with self.database.transaction() as tx:
            await deadletters.record(tx, [DeadLetter(message, f"{type(error).__name__}: {error}")], group=GROUP)
