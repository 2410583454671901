"""Kafka in: attendance, and the acts published from it, as the windows read them."""

from datetime import UTC, datetime
from typing import NamedTuple

from services.points.integrity.domain import Act, SeenRevision
from services.points.ledger.decoding import decode
from shared.cloudevents import decode as decode_event
from shared.cloudevents import encode
from shared.contracts import ActSeen
from shared.errors import PermanentError
from shared.ids import derived_id
from shared.kafka.consumer import Message
from shared.outbox import event as envelope

__all__ = ["ACTS", "ATTENDANCE", "GROUP", "TraceContext", "act_of", "emitted_at", "encode_act", "seen_of"]

GROUP = "points-integrity"
ATTENDANCE, ACTS = "attendance", "integrity-acts"
SOURCE = "weiguang/points"


class TraceContext(NamedTuple):
    """The trace of an event: its correlation id and trace context."""

    correlation_id: str
    traceparent: str | None


def emitted_at(message: Message) -> datetime:
    """The time at which the event was published, by its own header.

    Raises:
        PermanentError: it does not say.
    """
    try:
        found = datetime.fromisoformat((dict(message.headers)["ce_time"] or b"").decode())
    except (KeyError, ValueError) as error:
        raise PermanentError(f"ce_time: {error}") from error
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def seen_of(message: Message) -> tuple[SeenRevision, TraceContext]:
    """A revision as it was published, and its trace.

    Raises:
        PermanentError: the record cannot be read.
    """
    found = decode(message)
    seen = SeenRevision(
        found.record_id,
        found.revision,
        found.volunteer_id,
        found.site_id,
        found.provenance,
        found.status,
        found.closed_by,
        found.started_at,
        found.ended_at,
        found.minutes,
        found.recorded_by,
        found.device_ref,
        emitted_at(message),
    )
    return seen, TraceContext(found.correlation_id, found.traceparent)


def encode_act(act: Act, seen: SeenRevision) -> tuple[bytes, bytes, dict[str, bytes]]:
    """Key, value and headers of an act on its topic; encoding it again gives the same event."""
    data = ActSeen(
        place=act.place,
        kind=act.kind,
        subject=act.subject,
        provenance=act.provenance,
        record_id=act.record_id,
        volunteer_id=act.volunteer_id,
        site_id=act.site_id,
        at=act.at,
    )
    outgoing = envelope(
        data,
        source=SOURCE,
        aggregate_version=seen.revision,
        id=derived_id("act", act.place, act.record_id, seen.revision),
        time=seen.emitted_at,
    )
    headers, value = encode(outgoing)
    return act.place.encode(), value, dict(headers)


def act_of(message: Message) -> tuple[Act, TraceContext]:
    """An act, and what it belongs to.

    Raises:
        PermanentError: the record cannot be read, or is of a type that the topic does not carry.
    """
    event = decode_event(message.headers, message.value)
    data = event.data
    if not isinstance(data, ActSeen):
        raise PermanentError(f"{event.type} is not for this consumer")
    act = Act(data.kind, data.subject, data.provenance, data.record_id, data.volunteer_id, data.site_id, data.at)
    return act, TraceContext(event.correlation_id, event.traceparent)
