"""From bytes to revisions, fast: the shape that every message has is read by hand, anything else by the contract.

The fast path accepts only what the contract accepts, with the same outcome (a test holds it to that); whatever it does
not recognise goes the slow way, which alone refuses. It is worth its lines: it takes a fifth of the contract's time,
and decoding is on the path of every record.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from asyncpg.pgproto import pgproto

from services.points.ledger.revisions import Revision
from shared.clock import DISTRICT_ZONE
from shared.cloudevents import decode as decode_event
from shared.contracts import AttendanceRecorded
from shared.deadletters import DeadLetter
from shared.errors import PermanentError
from shared.kafka.consumer import Message

__all__ = ["content_hash", "decode", "decode_batch"]

_TYPE: Final = AttendanceRecorded.type.encode()
_STATUS: Final = frozenset({"provisional", "confirmed", "void"})
_PROVENANCE: Final = frozenset({"scanned", "kiosk", "leader", "backfilled", "imported"})
_CLOSED_BY: Final = frozenset({"self", "staff", "auto", "correction", None})
_APPROVAL: Final = frozenset({"none", "leader", "site", "centre"})
_LARGEST: Final = 60_000_000
_ENVELOPE: Final = frozenset({"ce_id", "ce_source", "ce_subject", "ce_time", "ce_aggregateid", "ce_aggregateversion"})

_CACHED_IDS: Final = 500_000
_ids: dict[str, UUID] = {}
"""Ids that come again and again (volunteers, activities, sites …) are parsed and hashed once; emptied when it gets
large.
"""


class _Unusual(Exception):
    """Not of the shape that the fast path knows."""


def content_hash(value: bytes) -> bytes:
    """What tells two contents of one revision apart."""
    return hashlib.sha256(value).digest()[:16]


def decode_batch(messages: Sequence[Message]) -> tuple[list[Revision], list[Message], list[DeadLetter]]:
    """Revisions with the message that each came in, and what cannot be read, with the reason; in order."""
    revisions: list[Revision] = []
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


def decode(message: Message) -> Revision:
    """Read one message.

    Raises:
        PermanentError: it is not what the contract says, with the reason.
    """
    try:
        return _fast(message)
    except (_Unusual, KeyError, TypeError, ValueError, AttributeError):
        return _slow(message)


def _fast(message: Message) -> Revision:
    headers = dict(message.headers)
    value = message.value
    if value is None or headers["ce_type"] != _TYPE or not headers.keys() >= _ENVELOPE:
        raise _Unusual
    int(headers["ce_aggregateversion"])
    data = orjson.loads(value)
    get = data.get
    revision, minutes, planned = data["revision"], data["minutes"], get("planned_minutes", 0)
    if type(revision) is not int or type(minutes) is not int or type(planned) is not int:
        raise _Unusual
    if not (1 <= revision <= 1_000_000 and 0 <= minutes <= _LARGEST and 0 <= planned <= _LARGEST):
        raise _Unusual
    status, provenance = data["status"], data["provenance"]
    closed_by, approval = get("closed_by"), get("approval_level", "none")
    if status not in _STATUS or provenance not in _PROVENANCE or closed_by not in _CLOSED_BY:
        raise _Unusual
    theme, kind, device, distance = data["theme"], data["kind"], get("device_ref"), get("distance_m")
    if approval not in _APPROVAL or type(theme) is not str or type(kind) is not str:
        raise _Unusual
    if len(theme) > 200 or len(kind) > 100:
        raise _Unusual
    if device is not None and (type(device) is not str or len(device) > 200):
        raise _Unusual
    if distance is not None and (type(distance) is not int or not 0 <= distance < 2**31):
        raise _Unusual
    started_at = _instant(data["started_at"])
    ended_at = get("ended_at")
    traceparent = headers.get("traceparent")
    return Revision(
        _uuid(data["record_id"]),
        revision,
        hashlib.sha256(value).digest()[:16],
        _known(data["volunteer_id"]),
        started_at.astimezone(DISTRICT_ZONE).date(),
        status,
        provenance,
        kind,
        theme,
        closed_by,
        approval,
        started_at,
        None if ended_at is None else _instant(ended_at),
        minutes,
        planned,
        _optional(get("activity_id")),
        _optional(get("shift_id")),
        _optional(get("site_id")),
        _optional(get("team_id")),
        _optional(get("drive_id")),
        _optional(get("recorded_by")),
        _optional(get("recorder_site_id")),
        device,
        distance,
        _uuid(headers["ce_id"].decode()),
        headers.get("ce_correlationid", headers["ce_id"]).decode(),
        None if traceparent is None else traceparent.decode(),
    )


def _uuid(text: str) -> UUID:
    if len(text) != 36:
        raise _Unusual
    found: UUID = pgproto.UUID(text)
    return found


def _optional(text: str | None) -> UUID | None:
    return None if text is None else _known(text)


def _known(text: str) -> UUID:
    found = _ids.get(text)
    if found is None:
        if len(_ids) >= _CACHED_IDS:
            _ids.clear()
        found = _ids[text] = _uuid(text)
    return found


def _instant(text: str) -> datetime:
    if len(text) < 20 or text[4] != "-" or text[7] != "-" or text[10] != "T":
        raise _Unusual
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise _Unusual
    return found


def _slow(message: Message) -> Revision:
    event = decode_event(message.headers, message.value)
    data: Any = event.data
    if not isinstance(data, AttendanceRecorded):
        raise PermanentError(f"the event type {event.type!r} does not belong on this topic")
    if data.distance_m is not None and data.distance_m >= 2**31:
        raise PermanentError("distance_m: too far")
    try:
        day = data.started_at.astimezone(DISTRICT_ZONE).date()
    except OverflowError as error:
        raise PermanentError(f"started_at: {error}") from error
    assert message.value is not None
    return Revision(
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
        event.traceparent,
    )
