"""The outbox: an event is a row of the same transaction as the state it describes; the relay publishes it later."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson

from shared.clock import real_now
from shared.cloudevents import Event, headers_of
from shared.contracts import Contract
from shared.ids import new_id
from shared.outbox.packs import RawEvent, pack
from shared.postgres import Tx, load_queries
from shared.telemetry import trace

__all__ = ["EVENT_BYTES", "append", "append_many", "append_raw", "event", "raw"]

EVENT_BYTES = 1_048_576
"""The most that the relay sends as one event: key, headers, value and some hundred bytes of framing, in bytes. It is
what Apache Kafka takes by default."""

Data = TypeVar("Data", bound=Contract)
_SQL = load_queries(__file__)
_COLUMNS = ("event_id", "topic", "key", "headers", "value")


def event(
    data: Data,
    *,
    source: str,
    aggregate_version: int,
    id: UUID | None = None,
    time: datetime | None = None,
    correlation_id: str | None = None,
    causation_id: str | None = None,
) -> Event[Data]:
    """Put data into an envelope; topic, key, type and aggregate come from its contract.

    Args:
        source: the emitting service, e.g. ``weiguang/recruitment``.
        aggregate_version: assigned under the aggregate's lock.
        correlation_id: by default the current trace's, so that everything one request causes carries one id.
    """
    event_id = id or new_id()
    current = trace.current()
    correlation = correlation_id or (current.correlation_id if current else str(event_id))
    return Event(
        id=event_id,
        type=data.type,
        source=source,
        subject=str(getattr(data, data.key)),
        time=time or real_now(),
        aggregate_id=str(getattr(data, data.aggregate)),
        aggregate_version=aggregate_version,
        correlation_id=correlation,
        causation_id=causation_id,
        traceparent=trace.traceparent(),
        data=data,
    )


async def append(tx: Tx, *events: Event[Any]) -> None:
    """Write events to the outbox, in the order given."""
    await append_raw(tx, [raw(one) for one in events])


def raw(event: Event[Any]) -> RawEvent:
    """The event as its row."""
    headers = orjson.dumps(headers_of(event)).decode()
    return event.id, event.data.topic, event.subject, headers, event.data.model_dump_json().encode()


async def append_raw(tx: Tx, rows: Sequence[RawEvent]) -> None:
    """Write encoded rows, and wake the relay after the commit.

    For many at once, and for dead letters,
    whose bytes must not be touched.
    """
    if rows:
        tx.wakes.add("outbox")
    if tx.postponed is not None:
        tx.postponed.extend(rows)
    elif len(rows) == 1:
        await tx.execute(_SQL["append_one"], *rows[0])
    elif rows:
        await tx.copy("outbox", _COLUMNS, rows)


async def append_many(tx: Tx, rows: Sequence[RawEvent]) -> None:
    """Write encoded rows as `append_raw`, many of them in packs, which take a fraction of PostgreSQL's time."""
    await append_raw(tx, pack(rows))
