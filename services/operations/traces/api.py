"""Traces over HTTP."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from services.operations.events import store
from services.operations.events.api import Watcher
from services.operations.events.domain import IndexRow
from services.operations.events.output import EventOut, bounds_of, dumped, summary_of
from services.operations.traces.domain import Hops, hops_of
from shared.errors import NotFound
from shared.http.app import Db, Output
from shared.kafka.topics import TOPICS

__all__ = ["router"]

router = APIRouter(prefix="/api/operations/v1", tags=["traces"])
LONGEST = 1000
_OWNERS = {entity: topic.owner for entity, topic in TOPICS.items()}


class AppliedOut(Output):
    """A service that published an effect of the event, and when it committed the first one."""

    by: str
    at: datetime


class HopsOut(Output):
    """The times of an event by the machines' clocks, and how long it waited, in milliseconds.

    ``to_index_ms`` is the way over relay and broker to the index, ``to_effect_ms`` that to the last service's effect.
    """

    made_at: datetime | None
    committed_at: datetime | None
    indexed_at: datetime
    applied: list[AppliedOut]
    to_index_ms: int | None
    to_effect_ms: int | None


class TraceEventOut(EventOut):
    """An event of a trace with its hops."""

    hops: HopsOut


class TraceOut(Output):
    """The events of one correlation id in order of time; ``truncated`` if there are more than are shown."""

    correlation_id: str
    started_at: datetime
    ended_at: datetime
    truncated: bool
    events: list[TraceEventOut]


@router.get("/traces/{correlation_id}", response_model=TraceOut)
async def one_trace(correlation_id: Annotated[str, Path(max_length=200)], db: Db, caller: Watcher) -> Response:
    """Everything of one correlation id within the caller's sites."""
    async with db.snapshot() as tx:
        events = await store.trace(tx, correlation_id, bounds_of(caller), LONGEST + 1)
    if not events:
        raise NotFound("trace-not-found", "The index has no event with this correlation id, or it is older.")
    shown = events[:LONGEST]
    hops = hops_of(shown, _OWNERS)
    document = {
        "correlation_id": correlation_id,
        "started_at": shown[0].broker_time or shown[0].arrived_at,
        "ended_at": shown[-1].broker_time or shown[-1].arrived_at,
        "truncated": len(events) > LONGEST,
        "events": [_event(event, hops[event.event_id]) for event in shown],
    }
    return Response(dumped(document), media_type="application/json")


def _event(event: IndexRow, hops: Hops) -> dict[str, Any]:
    times = {**asdict(hops), "to_index_ms": hops.to_index_ms, "to_effect_ms": hops.to_effect_ms}
    return {**summary_of(event), "hops": times}
