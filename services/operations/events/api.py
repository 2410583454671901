"""Events over HTTP: search, one event, and the stream of what arrives."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import AfterValidator
from starlette.responses import StreamingResponse

from services.operations.events import store
from services.operations.events.domain import EventFilter, IndexRow
from services.operations.events.feed import EventFeed
from services.operations.events.output import (
    EventDetailOut,
    EventOut,
    NamesOut,
    PlaceNameOut,
    bounds_of,
    detail_of,
    dumped,
    summary_of,
)
from services.operations.events.store import SearchWindow
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.clock import real_now
from shared.errors import Invalid, NotFound, Refusal, TransientError
from shared.http import cursors
from shared.http.app import Db, Instant, Limit
from shared.http.cursors import Page
from shared.http.guard import MAX_INTEGER
from shared.kafka.topics import INDEXED
from shared.postgres import Tx

__all__ = ["Selected", "Watcher", "Window", "require_place", "router"]

router = APIRouter(prefix="/api/operations/v1", tags=["events"])

Watcher = Annotated[Caller, allow(Role.ENGINEER, Role.OPERATOR, Role.AUDITOR)]
CLOCK_SKEW = timedelta(minutes=5)
MAX_FILTER = 500


def _known_topic(topic: str) -> str:
    if topic not in INDEXED:
        raise ValueError(f"must be one of the topics: {', '.join(INDEXED)}")
    return topic


Topic = Annotated[str, Query(max_length=MAX_FILTER), AfterValidator(_known_topic)]
Text = Annotated[str, Query(min_length=1, max_length=MAX_FILTER)]
Place = Annotated[int, Query(ge=0, le=MAX_INTEGER)]


def _selected(
    caller: Watcher,
    topic: Topic | None = None,
    type: Text | None = None,
    key: Text | None = None,
    aggregate_id: Text | None = None,
    correlation_id: Text | None = None,
    site_id: UUID | None = None,
    text: Text | None = None,
) -> EventFilter:
    """The events that a query selects within the caller's bounds, for searches and streams alike."""
    return EventFilter(
        sites=bounds_of(caller),
        topic=topic,
        type=type,
        key=key,
        aggregate_id=aggregate_id,
        correlation_id=correlation_id,
        site_id=site_id,
        text=text,
    )


Selected = Annotated[EventFilter, Depends(_selected)]


def _window(
    since: Instant | None = None,
    until: Instant | None = None,
    partition: Annotated[int, Query(ge=0, le=2**31 - 1)] | None = None,
    offset: Place | None = None,
) -> SearchWindow:
    """The part of the index that a query names; ``since`` and ``until`` are by the time of publication.

    Raises:
        Invalid: it begins in the future.
    """
    if since is not None and since > real_now() + CLOCK_SKEW:
        raise Invalid("time-ahead", f"Nothing was published since {since.isoformat()}: that time is still to come.")
    return SearchWindow(since=since, until=until, partition=partition, offset=offset)


Window = Annotated[SearchWindow, Depends(_window)]


def _raw(document: object) -> Response:
    return Response(dumped(document), media_type="application/json")


@router.get("/events", response_model=Page[EventOut])
async def search_events(
    db: Db,
    _: Watcher,
    wanted: Selected,
    window: Window,
    below: Place | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Response:
    """Events that meet every condition, newest first; ``since`` and ``until`` are by the time of publication.

    ``offset`` selects from it on in one partition of one topic; ``below`` begins under a row number, as the
    mark of a gap names it. A search for ``text`` in values reads a part of the index at a time: a page may be empty and
    have a next one.
    """
    before: int | None = below if cursor is None else cursors.decode(cursor, (int,))[0]
    async with db.snapshot() as tx:
        await require_place(tx, wanted.topic, window)
        found, unread = await store.search(tx, wanted, replace(window, before=before), limit + 1)
    return _raw(_page(found, limit, unread))


async def require_place(tx: Tx, topic: str | None, window: SearchWindow) -> None:
    """Require that the offset of a window lies on a partition.

    Raises:
        Invalid: it names no partition, or lies past its end.
    """
    partition, offset = window.partition, window.offset
    if offset is None:
        return
    if topic is None or partition is None:
        raise Invalid("offset-without-partition", "An offset needs the topic and the partition that it counts in.")
    end = await store.end_of(tx, topic, partition) or 0
    if offset >= end:
        detail = f"Partition {partition} of {topic} ends before offset {end}: there is no offset {offset} yet."
        raise Invalid("offset-past-end", detail, end=end)


def _page(found: list[IndexRow], limit: int, unread: int | None) -> dict[str, object]:
    shown = found[:limit]
    following = shown[-1].number if len(found) > limit else unread
    return {
        "items": [summary_of(event) for event in shown],
        "next_cursor": None if following is None else cursors.encode(following),
    }


@router.get(
    "/events/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def stream_events(
    request: Request,
    _: Watcher,
    wanted: Selected,
    after: Place | None = None,
    beats: bool = False,
    last_event_id: Annotated[str | None, Header(max_length=20)] = None,
) -> StreamingResponse:
    """Events as they are indexed, as server-sent events; ``id`` is the row number, behind which a stream resumes.

    ``event`` carries an event as `GET /events` lists it. ``gap`` says that the rows between ``after`` and ``before``
    are not sent; `GET /events` has them. ``after`` resumes where a browser cannot send ``Last-Event-ID``.
    With ``beats`` an event ``beat`` comes in 15 s without others, from which a script knows that the stream is alive.
    """
    feed: EventFeed = request.app.state.feed
    if feed.full:
        detail = "Too many streams of events are open at the moment; try again in a minute."
        raise Refusal("streams-full", detail, status=503, retry_after=60)
    if last_event_id is not None and last_event_id.isascii() and last_event_id.isdigit():
        after = min(int(last_event_id), MAX_INTEGER)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_frames(feed, wanted, after, beats), media_type="text/event-stream", headers=headers)


async def _frames(feed: EventFeed, wanted: EventFilter, after: int | None, beats: bool) -> AsyncIterator[bytes]:
    """The bytes of a stream; when the database is away it ends, and the browser comes again."""
    yield b"retry: 2000\n\n"
    with contextlib.suppress(TransientError):
        async with contextlib.aclosing(feed.stream(wanted, after, beats=beats)) as chunks:
            async for chunk in chunks:
                yield chunk


@router.get("/names")
async def list_names(db: Db, _: Watcher, id: Annotated[list[UUID], Query(min_length=1, max_length=200)]) -> NamesOut:
    """The public names of sites, activities and drives by their ids (``?id=…&id=…``); unknown ones are left out."""
    async with db.snapshot() as tx:
        found = await store.names_of(tx, id)
    items = [PlaceNameOut(id=one.id, kind=one.kind, name=one.name, site_id=one.site_id) for one in found]
    return NamesOut(items=items)


@router.get("/events/{event_id}", response_model=EventDetailOut)
async def one_event(event_id: UUID, db: Db, caller: Watcher) -> Response:
    """An event with headers, value, every place where it lies, and the events that it caused."""
    sites = bounds_of(caller)
    async with db.snapshot() as tx:
        found = await store.one(tx, event_id)
        if found is None or (sites is not None and found.event.site_id not in sites):
            raise NotFound("event-not-found", "The index has no event with this id, or it is older than the index.")
        effects = await store.effects_of(tx, found.event, sites)
    return _raw(detail_of(found, effects))
