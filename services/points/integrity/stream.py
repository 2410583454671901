"""Kafka in: denials by volunteers of what others recorded about them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.points.ingest.handlers import Policy
from services.points.integrity import handlers, store
from services.points.integrity.domain import ThresholdsInForce
from services.points.integrity.reviews.domain import Denied, denials_of, months_end
from shared import deadletters
from shared.clock import district_day
from shared.cloudevents import Event, decode
from shared.contracts import AssertionNoted
from shared.deadletters import DeadLetter
from shared.errors import PermanentError
from shared.kafka.consumer import Message
from shared.postgres import Database, Tx

__all__ = ["GROUP", "TOPICS", "DenialStream"]

GROUP = "points-denials"
TOPICS = ("assertions",)


class DenialStream:
    """The handler of the batch consumer."""

    def __init__(self, db: Database, thresholds: ThresholdsInForce, policy: Policy) -> None:
        self.database = db
        self.thresholds = thresholds
        self.policy = policy

    async def handle(self, messages: Sequence[Message]) -> None:
        """Keep the denials of a batch, and open cases about recorders who have too many in a month.

        Raises:
            TransientError: the same batch may be applied later.
        """
        events: list[Event[Any]] = []
        letters: list[DeadLetter] = []
        for message in messages:
            try:
                event = decode(message.headers, message.value)
                if not isinstance(event.data, AssertionNoted):
                    raise PermanentError(f"the event type {event.type!r} does not belong on this topic")
                district_day(event.time)
            except (PermanentError, OverflowError, ValueError) as error:
                letters.append(DeadLetter(message, str(error)))
                continue
            if event.data.act == "denied" and event.data.recorded_by is not None:
                events.append(event)
        async with self.database.transaction() as tx:
            if events:
                await self._apply(tx, events)
            await deadletters.record(tx, letters, group=GROUP)

    async def _apply(self, tx: Tx, events: Sequence[Event[Any]]) -> None:
        rows = [
            (one.record_id, one.revision, one.volunteer_id, one.recorded_by, one.site_id, district_day(event.time))
            for event in events
            for one in [event.data]
        ]
        months = {(row[3], row[5].replace(day=1), months_end(row[5].replace(day=1))) for row in rows}
        await store.keep_denials(tx, rows)
        denied: dict[tuple[UUID, Any], list[Denied]] = {}
        for one in await store.denials(tx, months):
            denied.setdefault((one.recorded_by, one.day.replace(day=1)), []).append(one)
        found = [denials_of(self.thresholds.at(month), these) for (_, month), these in sorted(denied.items())]
        flags = [flag for flag in found if flag is not None]
        if flags:
            causes = {event.data.record_id: event.correlation_id for event in events}
            await handlers.report(tx, flags, self.policy, causes)

    async def dead_letter(self, message: Message, error: Exception) -> None:
        """Dead-letter a message that fails whenever it is applied.

        Raises:
            TransientError: the database is away.
        """
        async with self.database.transaction() as tx:
            await deadletters.record(tx, [DeadLetter(message, f"{type(error).__name__}: {error}")], group=GROUP)
