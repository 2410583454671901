"""The fate of an event in a service that consumes it: each service answers from its own tables."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from shared.cloudevents import Event
from shared.postgres import Tx

__all__ = ["Effect", "EventAsked", "EventFate", "FateLookup", "NoFates"]


@dataclass(frozen=True, slots=True)
class EventAsked:
    """An event that is asked about.

    The aggregate and its version, where they are known, make the answer cheap and distinguish a duplicate from what was
    never seen.
    """

    event_id: UUID
    aggregate_id: str | None = None
    aggregate_version: int | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that an event led to: another event, a transfer of points, a badge or a message."""

    kind: Literal["event", "transfer", "badge", "message"]
    id: str


@dataclass(frozen=True, slots=True)
class EventFate:
    """The fate of an event at one consumer."""

    consumer_group: str
    state: Literal["applied", "duplicate", "superseded"]
    at: datetime | None = None
    led_to: tuple[Effect, ...] = ()


class FateLookup(Protocol):
    """A service's knowledge of the events that it consumed."""

    async def fates(self, tx: Tx, asked: EventAsked) -> Sequence[EventFate]:
        """Find the fate of one event, by consumer; empty if none knows it."""

    async def applied(self, tx: Tx, group: str, events: Sequence[Event[Any]]) -> Collection[UUID]:
        """The ids of those events that a consumer would find applied or superseded already."""


class NoFates:
    """For a service that consumes nothing, or stores nothing of what it consumes."""

    async def fates(self, tx: Tx, asked: EventAsked) -> Sequence[EventFate]:
        return ()

    async def applied(self, tx: Tx, group: str, events: Sequence[Event[Any]]) -> Collection[UUID]:
        return ()
