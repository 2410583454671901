"""Kafka in: what volunteers denied of what others recorded about them, and what another account approved."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.points.ingest.handlers import Policy
from services.points.integrity import handlers, store
from services.points.integrity.domain import Flag, ThresholdsInForce
from services.points.integrity.patterns import store as patterns
from services.points.integrity.patterns.domain import mutual_approvals
from services.points.integrity.patterns.store import ApprovalMonth, ApprovalRow
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
        """Keep denials and approvals of a batch; open cases about recorders with many, and pairs who take turns.

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
            if event.data.act in ("denied", "approved") and event.data.recorded_by is not None:
                events.append(event)
        async with self.database.transaction() as tx:
            if events:
                await self._apply(tx, events)
            await deadletters.record(tx, letters, group=GROUP)

    async def _apply(self, tx: Tx, events: Sequence[Event[Any]]) -> None:
        denials = [event for event in events if event.data.act == "denied"]
        flags = await self._denied(tx, denials) if denials else []
        flags += await self._approved(tx, [event for event in events if event.data.decided_by is not None])
        if flags:
            causes = {event.data.record_id: event.correlation_id for event in events}
            await handlers.report(tx, flags, self.policy, causes)

    async def _approved(self, tx: Tx, events: Sequence[Event[Any]]) -> list[Flag]:
        """Keep approvals; returns the findings about pairs of accounts whose approvals these are."""
        rows = [
            ApprovalRow(
                one.record_id,
                one.revision,
                one.volunteer_id,
                one.recorded_by,
                one.decided_by,
                one.site_id,
                district_day(event.time),
            )
            for event in events
            for one in [event.data]
        ]
        if not rows:
            return []
        await patterns.keep_approvals(tx, rows)
        await store.lock_recorders(tx, {account for row in rows for account in (row.recorded_by, row.decided_by)})
        found = await patterns.approvals(tx, {_month_of(row) for row in rows})
        return [
            flag
            for first, approved in sorted(found.items())
            for flag in mutual_approvals(self.thresholds.at(first), first, approved)
        ]

    async def _denied(self, tx: Tx, events: Sequence[Event[Any]]) -> list[Flag]:
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
        return [flag for flag in found if flag is not None]

    async def dead_letter(self, message: Message, error: Exception) -> None:
        """Dead-letter a message that fails whenever it is applied.

        Raises:
            TransientError: the database is away.
        """
        async with self.database.transaction() as tx:
            await deadletters.record(tx, [DeadLetter(message, f"{type(error).__name__}: {error}")], group=GROUP)


def _month_of(row: ApprovalRow) -> ApprovalMonth:
    first = row.day.replace(day=1)
    one, other = sorted((row.recorded_by, row.decided_by))
    return ApprovalMonth(one, other, first, months_end(first))
