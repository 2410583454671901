"""Events as answers: raw JSON is passed on as it is stored, everything else is text."""

import base64
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.operations.events.domain import EventKind, IndexRow, PlaceKind
from services.operations.events.headers import headers_from
from services.operations.events.store import EventDetail
from shared.auth.tokens import Caller
from shared.http.app import Output

__all__ = ["EventDetailOut", "EventOut", "NamesOut", "OccurrenceOut", "bounds_of", "detail_of", "dumped", "summary_of"]

LISTED_BYTES = 16_384
"""A listing shows values up to so many bytes; an event's own page shows all of it."""


class EventOut(Output):
    """An event of a listing; ``value`` is null if it is no JSON, or if it is left out for its size (``value_omitted``).

    ``event_time`` is business time; ``published_at`` is when it was committed to its outbox, by the broker's record.
    """

    number: int
    event_id: UUID
    kind: EventKind
    topic: str
    type: str | None
    partition: int
    offset: int
    last_offset: int
    key: str | None
    aggregate_id: str | None
    aggregate_version: int | None
    correlation_id: str | None
    causation_id: str | None
    site_id: UUID | None
    event_time: datetime | None
    published_at: datetime | None
    arrived_at: datetime
    size: int
    occurrences: int
    note: str | None
    value: Any
    value_omitted: bool


class HeaderOut(Output):
    """A header of a record; bytes that are no UTF-8 are escaped."""

    name: str
    value: str | None


class OccurrenceOut(Output):
    """A place on a topic where the event lies."""

    incarnation: str
    topic: str
    partition: int
    offset: int
    arrived_at: datetime


class EventDetailOut(EventOut):
    """An event with its headers and places; ``value_text`` and ``value_base64`` are of a value that is no JSON."""

    headers: list[HeaderOut]
    value_text: str | None
    value_base64: str | None
    places: list[OccurrenceOut]
    effects: list[EventOut]


class PlaceNameOut(Output):
    """The name of a site, an activity or a drive; ``site_id`` is the site above a site, or that of the others."""

    id: UUID
    kind: PlaceKind
    name: str
    site_id: UUID | None


class NamesOut(Output):
    """Names by id."""

    items: list[PlaceNameOut]


def dumped(document: object) -> bytes:
    """A document as JSON; asyncpg's ids are text in it."""
    return orjson.dumps(document, default=str, option=orjson.OPT_UTC_Z)


def bounds_of(caller: Caller) -> frozenset[UUID] | None:
    """The sites whose events the caller may see; None for all, also those without a site."""
    return caller.site_ids


def summary_of(event: IndexRow, limit: int | None = LISTED_BYTES) -> dict[str, Any]:
    """An `EventOut` with its value as raw JSON."""
    omitted = event.value is not None and limit is not None and len(event.value) > limit
    value = None if event.value is None or omitted else orjson.Fragment(event.value)
    return {
        "number": event.number,
        "event_id": event.event_id,
        "kind": event.kind,
        "topic": event.topic,
        "type": event.type,
        "partition": event.partition,
        "offset": event.offset,
        "last_offset": event.last_offset,
        "key": event.key,
        "aggregate_id": event.aggregate_id,
        "aggregate_version": event.aggregate_version,
        "correlation_id": event.correlation_id,
        "causation_id": event.causation_id,
        "site_id": event.site_id,
        "event_time": event.event_time,
        "published_at": event.broker_time,
        "arrived_at": event.arrived_at,
        "size": event.size,
        "occurrences": event.occurrences,
        "note": event.note,
        "value": value,
        "value_omitted": omitted,
    }


def detail_of(found: EventDetail, effects: list[IndexRow]) -> dict[str, Any]:
    """An `EventDetailOut`."""
    raw = found.content
    return {
        **summary_of(found.event, None),
        "headers": [{"name": name, "value": value} for name, value in headers_from(found.headers)],
        "value_text": None if raw is None else raw.decode("utf-8", "backslashreplace"),
        "value_base64": None if raw is None else base64.b64encode(raw).decode(),
        "places": [
            {
                "incarnation": place.incarnation,
                "topic": place.topic,
                "partition": place.partition,
                "offset": place.offset,
                "arrived_at": place.arrived_at,
            }
            for place in found.places
        ],
        "effects": [summary_of(one) for one in effects],
    }
