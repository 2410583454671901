"""From bytes to revisions, fast: the shape that every message has is read by msgspec, anything else by the contract.

The fast path accepts only what the contract accepts, with the same outcome (a test holds it to that); whatever it does
not recognise goes the slow way, which alone refuses. It takes an eighth of the contract's time, and decoding is on the
path of every record.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from asyncpg.pgproto import pgproto

from services.points.records.domain import RecordRevision
from shared.clock import district_day
from shared.cloudevents import decode as decode_event
from shared.contracts import AttendanceRecorded
from shared.deadletters import DeadLetter
from shared.errors import PermanentError
from shared.kafka.consumer import Message

__all__ = ["content_hash", "decode", "decode_batch"]

_TYPE: Final = AttendanceRecorded.type.encode()
_UNREAD: Final = ("ce_source", "ce_subject", "ce_aggregateid")
"""Headers that every event has and no record keeps."""

_CACHED_IDS: Final = 200_000


class _Ids(dict[str | None, UUID | None]):
    """Ids that come again and again (volunteers, activities, sites …) are parsed and hashed once; None is None."""

    def __missing__(self, text: str | None) -> UUID | None:
        if len(self) >= _CACHED_IDS:
            self.clear()
        found = self[text] = None if text is None else _uuid(text)
        return found


_ids = _Ids()

_Id = Annotated[str, msgspec.Meta(min_length=36, max_length=36)]
_Number = Annotated[int, msgspec.Meta(ge=0, le=60_000_000)]
_Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class _Wire(msgspec.Struct, gc=False):
    """AttendanceRecorded as it usually comes; narrower than the contract, never wider."""

    record_id: _Id
    revision: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    volunteer_id: _Id
    theme: Annotated[str, msgspec.Meta(max_length=200)]
    kind: Annotated[str, msgspec.Meta(max_length=100)]
    provenance: Literal["scanned", "kiosk", "leader", "backfilled", "imported"]
    status: Literal["provisional", "confirmed", "void"]
    started_at: _Instant
    minutes: _Number
    ended_at: _Instant | None = None
    planned_minutes: _Number = 0
    closed_by: Literal["self", "staff", "auto", "correction"] | None = None
    activity_id: _Id | None = None
    shift_id: _Id | None = None
    site_id: _Id | None = None
    team_id: _Id | None = None
    drive_id: _Id | None = None
    recorded_by: _Id | None = None
    recorder_site_id: _Id | None = None
    device_ref: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    approval_level: Literal["none", "leader", "site", "centre"] = "none"
    distance_m: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] | None = None


_read = msgspec.json.Decoder(_Wire).decode


class _Unusual(Exception):
    """Not of the shape that the fast path knows."""


def content_hash(value: bytes) -> bytes:
    """Hash the content of a revision, so that two contents can be compared."""
    return hashlib.sha256(value).digest()[:16]


def decode_batch(messages: Sequence[Message]) -> tuple[list[RecordRevision], list[Message], list[DeadLetter]]:
    """Revisions with the message that each came in, and what cannot be read, with the reason; in order."""
    revisions: list[RecordRevision] = []
    sources: list[Message] = []
    refused: list[DeadLetter] = []
    for message in messages:
        try:
            revisions.append(decode(message))
            sources.append(message)
        except PermanentError as error:
            named = dict(message.headers)
            known = named.get("ce_type", _TYPE) == _TYPE
            refused.append(DeadLetter(message, str(error), "permanent" if known else "unknown-type"))
    return revisions, sources, refused


def decode(message: Message) -> RecordRevision:
    """Read one message.

    Raises:
        PermanentError: it is not what the contract says, with the reason.
    """
    try:
        return _fast(message)
    except (_Unusual, KeyError, ValueError, AttributeError, TypeError, OverflowError, RecursionError):
        return _slow(message)


def _fast(message: Message) -> RecordRevision:
    headers: dict[str, bytes] = dict(message.headers)  # type: ignore[arg-type]  # a null value raises: the slow path
    value = message.value
    if value is None or headers["ce_type"] != _TYPE:
        raise _Unusual
    for name in _UNREAD:
        headers[name]
    int(headers["ce_aggregateversion"])
    data = _read(value)
    event_id = headers["ce_id"].decode()
    correlation = headers.get("ce_correlationid")
    traceparent = headers.get("traceparent")
    emitted_at = datetime.fromisoformat(headers["ce_time"].decode())
    if emitted_at.tzinfo is not UTC:
        raise _Unusual
    members = (
        pgproto.UUID(data.record_id),  # its length is checked
        data.revision,
        hashlib.sha256(value).digest()[:16],
        _ids[data.volunteer_id],
        district_day(data.started_at),
        data.status,
        data.provenance,
        data.kind,
        data.theme,
        data.closed_by,
        data.approval_level,
        data.started_at,
        data.ended_at,
        data.minutes,
        data.planned_minutes,
        _ids[data.activity_id],
        _ids[data.shift_id],
        _ids[data.site_id],
        _ids[data.team_id],
        _ids[data.drive_id],
        _ids[data.recorded_by],
        _ids[data.recorder_site_id],
        data.device_ref,
        data.distance_m,
        _uuid(event_id),
        event_id if correlation is None else correlation.decode(),
        emitted_at,
        None if traceparent is None else traceparent.decode(),
    )
    return RecordRevision._make(members)  # half the time of naming them


def _uuid(text: str) -> UUID:
    if len(text) != 36:
        raise _Unusual
    found: UUID = pgproto.UUID(text)
    return found


def _slow(message: Message) -> RecordRevision:
    event = decode_event(message.headers, message.value)
    data: Any = event.data
    if not isinstance(data, AttendanceRecorded):
        raise PermanentError(f"the event type {event.type!r} does not belong on this topic")
    if data.distance_m is not None and data.distance_m >= 2**31:
        raise PermanentError("distance_m: too far")
    try:
        day = district_day(data.started_at)
    except OverflowError as error:
        raise PermanentError(f"started_at: {error}") from error
    try:
        emitted_at = (event.time if event.time.tzinfo is not None else event.time.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise PermanentError(f"ce_time: {error}") from error
    assert message.value is not None
    return RecordRevision(
        data.record_id,
        data.revision,
        content_hash(message.value),
        data.volunteer_id,
        day,
        data.status,
        data.provenance,
        data.kind,
        data.theme,
        data.closed_by,
        data.approval_level,
        data.started_at,
        data.ended_at,
        data.minutes,
        data.planned_minutes,
        data.activity_id,
        data.shift_id,
        data.site_id,
        data.team_id,
        data.drive_id,
        data.recorded_by,
        data.recorder_site_id,
        data.device_ref,
        data.distance_m,
        event.id,
        event.correlation_id,
        emitted_at,
        event.traceparent,
    )
