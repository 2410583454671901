"""Events as the index keeps them: their identity, their site, and what a filter selects. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

__all__ = [
    "DEAD_LETTERS",
    "EventFilter",
    "EventKind",
    "IndexRow",
    "IndexedEvent",
    "PlaceKind",
    "PlaceName",
    "is_dead_letters",
    "learned_sites",
    "with_sites",
]

EventKind = Literal["event", "dead-letter", "foreign", "unreadable", "conflicting"]
"""``foreign``: a record without our envelope; ``conflicting``: a record with the id of another one."""
PlaceKind = Literal["site", "activity", "drive"]
DEAD_LETTERS = ".dlq"
"""The end of a dead-letter topic's name."""


class IndexedEvent(NamedTuple):
    """A record as it is indexed. ``value`` is JSON; ``content`` holds what is none.

    ``related`` are ids whose site is the event's too, the nearest first.
    """

    event_id: UUID
    kind: EventKind
    topic: str
    partition: int
    offset: int
    last_offset: int
    type: str | None
    key: str | None
    aggregate_id: str | None
    aggregate_version: int | None
    correlation_id: str | None
    causation_id: str | None
    site_id: UUID | None
    related: tuple[str, ...]
    event_time: datetime | None
    broker_time: datetime | None
    headers: str
    value: str | None
    content: bytes | None
    size: int
    digest: bytes
    note: str | None = None
    named: "PlaceName | None" = None
    """The public name that the event gives to a site, an activity or a drive."""


@dataclass(frozen=True, slots=True)
class PlaceName:
    """The public name of a site, an activity or a drive at a version; ``site_id`` is the site above it, or its own."""

    id: UUID
    kind: PlaceKind
    name: str
    site_id: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class IndexRow:
    """A row of the index; ``occurrences`` counts how often the event lies on its topic."""

    number: int
    event_id: UUID
    kind: EventKind
    topic: str
    partition: int
    offset: int
    last_offset: int
    type: str | None
    key: str | None
    aggregate_id: str | None
    aggregate_version: int | None
    correlation_id: str | None
    causation_id: str | None
    site_id: UUID | None
    event_time: datetime | None
    broker_time: datetime | None
    arrived_at: datetime
    value: str | None
    size: int
    note: str | None
    occurrences: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """The conditions of a search or a stream; ``sites`` are the caller's bounds, None for all."""

    sites: frozenset[UUID] | None = None
    topic: str | None = None
    type: str | None = None
    key: str | None = None
    aggregate_id: str | None = None
    correlation_id: str | None = None
    site_id: UUID | None = None
    text: str | None = None

    def matches(self, event: IndexRow) -> bool:
        """Whether the event is selected and lies within the bounds; an event without a site is the centre's."""
        if self.sites is not None and event.site_id not in self.sites:
            return False
        wanted = (self.topic, self.type, self.key, self.aggregate_id, self.correlation_id, self.site_id)
        found = (event.topic, event.type, event.key, event.aggregate_id, event.correlation_id, event.site_id)
        if any(one is not None and one != other for one, other in zip(wanted, found, strict=True)):
            return False
        return self.text is None or self.text.lower() in (event.value or "").lower()


def is_dead_letters(topic: str) -> bool:
    """Whether a topic holds dead letters."""
    return topic.endswith(DEAD_LETTERS)


def learned_sites(batch: Iterable[IndexedEvent], known: Mapping[str, UUID]) -> dict[str, UUID]:
    """The sites of related ids that the events name themselves and that are not known yet."""
    learned: dict[str, UUID] = {}
    for event in batch:
        if event.site_id is not None and event.kind == "event":
            for one in event.related:
                if known.get(one) != event.site_id:
                    learned[one] = event.site_id
    return learned


def with_sites(batch: Sequence[IndexedEvent], known: Mapping[str, UUID]) -> list[IndexedEvent]:
    """The events, each with its own site or else that of the first related id whose site is known."""

    def site_of(event: IndexedEvent) -> UUID | None:
        return next((known[one] for one in event.related if one in known), None)

    return [
        event if event.site_id is not None or not event.related else event._replace(site_id=site_of(event))
        for event in batch
    ]
