"""Answers what became of an event, from messages and the versions that were seen."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from services.notify.inbox.stream import GROUP
from shared.cloudevents import Event
from shared.operators.fates import Effect, EventAsked, EventFate
from shared.postgres import Tx, load_queries

__all__ = ["NotifyFates"]

_SQL = load_queries(__file__)


class NotifyFates:
    """The fates of events that messages are made of."""

    async def fates(self, tx: Tx, asked: EventAsked) -> Sequence[EventFate]:
        """The messages of an event; without any, whether its aggregate's version was seen."""
        if rows := await tx.fetch(_SQL["messages_of_event"], asked.event_id):
            led_to = tuple(Effect("message", str(row["message_id"])) for row in rows)
            return [EventFate(GROUP, "applied", rows[0]["created_at"], led_to)]
        if asked.aggregate_id is None or asked.aggregate_version is None:
            return ()
        seen = await tx.fetchval(_SQL["version_of"], asked.aggregate_id)
        if seen is None or seen < asked.aggregate_version:
            return ()
        return [EventFate(GROUP, "applied" if seen == asked.aggregate_version else "superseded")]

    async def applied(self, tx: Tx, group: str, events: Sequence[Event[Any]]) -> Collection[UUID]:
        """The events that have made their messages, or that a later state has outdated."""
        if group != GROUP or not events:
            return ()
        known = {row["event_id"] for row in await tx.fetch(_SQL["messages_exist"], [event.id for event in events])}
        aggregates, versions = [one.aggregate_id for one in events], [one.aggregate_version for one in events]
        rows = await tx.fetch(_SQL["versions_seen"], list(range(len(events))), aggregates, versions)
        return known | {events[row["place"]].id for row in rows}
