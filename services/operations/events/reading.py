"""Records of any topic as events of the index: every record has an identity, whatever it holds."""

import hashlib
import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from asyncpg.pgproto import pgproto

from services.operations.events.domain import EventKind, IndexedEvent, PlaceKind, PlaceName, is_dead_letters
from services.operations.events.headers import LAYOUT_NUMBERS, LAYOUTS
from shared.cloudevents import Headers
from shared.deadletters import DeadLetter, fingerprint, reduced
from shared.ids import derived_id
from shared.kafka.messages import Message

__all__ = ["as_bytes", "as_conflict", "read", "reduce"]

_TEXT = 500
"""Characters of an indexed header; the headers keep the rest."""
_NUL = b"\\u0000"
_length = struct.Struct(">Q").pack
_LARGEST = 2**63
_LATEST_MS = 253_402_300_799_000
_SITED = frozenset({"attendance", "assertions"})
"""Topics whose events name their site each time, so that it need not be learned for each of their aggregates."""


def read(message: Message) -> IndexedEvent:
    """Read a record; one that holds no event of ours is indexed as it is."""
    return _event(message, *_json(message.value))


def as_bytes(message: Message, error: Exception) -> IndexedEvent:
    """Read a record whose value PostgreSQL does not take as JSON."""
    return _event(message, None, None, note=f"{type(error).__name__}: {error}")


def reduce(message: Message, error: Exception) -> IndexedEvent:
    """Describe a record that cannot be stored as it is: place, sizes and hashes, and why."""
    letter = reduced(DeadLetter(message, f"{type(error).__name__}: {error}"), error)
    return _event(letter.message, None, None, note=letter.reason)


def as_conflict(event: IndexedEvent) -> dict[str, Any]:
    """The changes that make a row of its own of a record with the id of another one."""
    return {
        "event_id": derived_id("record", event.topic, event.event_id, event.digest.hex()),
        "kind": "conflicting",
        "note": f"another record has the id {event.event_id}",
    }


def _event(message: Message, value: str | None, data: Any, note: str | None = None) -> IndexedEvent:
    headers, named, header_size = _headers(message.headers)
    topic, content, raw_key = message.entity, message.value, message.key
    kind, event_id = _identity(message, named)
    fields = data if isinstance(data, dict) else _NO_FIELDS
    ce_id, aggregate_id = named.get("ce_id"), named.get("ce_aggregateid")
    version = _number(named.get("ce_aggregateversion"))
    if message.unreadable_to is not None and note is None:
        note = _noted(message.headers)
    return IndexedEvent._make(
        (
            event_id,
            kind,
            topic,
            message.partition,
            message.offset,
            message.next_offset - 1,
            named.get("ce_type"),
            None if raw_key is None else _text(raw_key)[:_TEXT],
            aggregate_id,
            version,
            named.get("ce_correlationid") or ce_id,
            ce_id if kind == "dead-letter" else named.get("ce_causationid"),
            _site(fields),
            _related(topic, fields, aggregate_id),
            _moment(named.get("ce_time")),
            _from_ms(message.timestamp_ms),
            headers,
            value,
            None if value is not None else content,
            len(content or b"") + len(raw_key or b"") + header_size,
            _digest(topic, raw_key, content),
            None if note is None else _text(note[:2000].encode("utf-8", "backslashreplace")),
            _place(topic, fields, version) if kind == "event" and topic in _NAMING else None,
        )
    )


_NO_FIELDS: Mapping[str, Any] = {}


def _noted(headers: Headers) -> str | None:
    """The reason in the headers of a range that cannot be read, whole."""
    return next(
        (raw.decode("utf-8", "backslashreplace") for name, raw in headers if name == "unreadable" and raw), None
    )


_NAMING: Mapping[str, tuple[PlaceKind, str, str]] = {
    "sites": ("site", "name", "parent_id"),
    "activities": ("activity", "title", "site_id"),
    "drives": ("drive", "name", "site_id"),
}
"""Topic → what its events name, and the members that hold the name and the site above or its own."""


def _place(topic: str, fields: Mapping[str, Any], version: int | None) -> PlaceName | None:
    """The name in an event of a site, an activity or a drive, if it is what its contract says."""
    kind, name_of, above_of = _NAMING[topic]
    place_id, name = _uuid(fields.get(f"{kind}_id")), fields.get(name_of)
    if version is None or place_id is None or not isinstance(name, str):
        return None
    return PlaceName(place_id, kind, name[:_TEXT], _uuid(fields.get(above_of)), version)


def _identity(message: Message, named: Mapping[str, str]) -> tuple[EventKind, UUID]:
    """The id of a record: its event's, of a dead letter that of its announcement, else its fingerprint's."""
    if message.unreadable_to is not None:
        return "unreadable", derived_id("record", message.entity, fingerprint(message).hex())
    if is_dead_letters(message.entity):
        letter = _number(named.get("dead-letter-id"))
        if letter is not None:
            return "dead-letter", derived_id("dead-letter", message.entity.split(".")[-2], letter)
    else:
        event_id = _new_uuid(named.get("ce_id"))
        if event_id is not None and "ce_type" in named:
            return "event", event_id
    return "foreign", derived_id("record", message.entity, fingerprint(message).hex())


def _digest(topic: str, key: bytes | None, value: bytes | None) -> bytes:
    """A hash of topic, key and value, each behind its length."""
    key, value = key or b"", value or b""
    parts = (_topic_prefix(topic), _length(len(key)), key, _length(len(value)), value)
    return hashlib.blake2b(b"".join(parts), digest_size=16).digest()


@lru_cache(maxsize=256)
def _topic_prefix(topic: str) -> bytes:
    name = topic.encode()
    return _length(len(name)) + name


def _json(value: bytes | None) -> tuple[str | None, Any]:
    if value is None or _NUL in value:  # jsonb has no U+0000
        return None, None
    try:
        return value.decode(), orjson.loads(value)
    except ValueError:
        return None, None


def _headers(headers: Headers) -> tuple[str, dict[str, str], int]:
    """The headers as stored, header → text for columns (the last of a name counts, null as none), and their bytes."""
    try:
        names, raws = zip(*headers, strict=True)
        content = b"".join(raws)
        if (layout := LAYOUT_NUMBERS.get(names)) is not None and len(content.translate(None, _ESCAPED)) == len(content):
            joined = b'","'.join(raws).decode()
            shown, texts, size = f'[{layout},"{joined}"]', joined.split('","'), _LAYOUT_SIZES[layout] + len(content)
        else:
            texts, size = [raw.decode() for raw in raws], len("".join(names)) + len(content)
            shown = orjson.dumps(list(zip(names, texts, strict=True))).decode()
            if "\\u0000" in shown:
                return _odd_headers(headers)
    except (TypeError, ValueError):  # none, a null value, bytes that are no UTF-8, a name with escapes
        return _odd_headers(headers)
    if size > _TEXT:
        texts = [text[:_TEXT] for text in texts]
    return shown, dict(zip(names, texts, strict=True)), size


_ESCAPED = bytes(range(32)) + b'"\\'
"""The bytes that JSON escapes: values without them are written as they are, at a third of the time."""
_LAYOUT_SIZES = [len("".join(names)) for names in LAYOUTS]


def _odd_headers(headers: Headers) -> tuple[str, dict[str, str], int]:
    """As `_headers`, of headers that need escapes."""
    pairs = [(_name(name), raw if raw is None else raw.decode("utf-8", "backslashreplace")) for name, raw in headers]
    shown = orjson.dumps(pairs)
    if _NUL in shown:
        pairs = [(_name(name), raw if raw is None else _text(raw)) for name, raw in headers]
        shown = orjson.dumps(pairs)
    named = {name: text[:_TEXT] for name, text in pairs if text is not None}
    return shown.decode(), named, sum(len(name) + len(raw or b"") for name, raw in headers)


@lru_cache(maxsize=256)
def _name(name: str) -> str:
    return _text(name.encode("utf-8", "surrogatepass"))


def _text(raw: bytes) -> str:
    """Convert to what PostgreSQL holds: UTF-8 without NUL, everything else escaped."""
    text = raw.decode("utf-8", "backslashreplace")
    return text.replace("\0", "\\0") if "\0" in text else text


def _uuid(text: object) -> UUID | None:
    return _parsed(text) if isinstance(text, str) else None


def _new_uuid(text: str | None) -> UUID | None:
    """As `_uuid`, of an id that comes once: it is no use to others, and would push out one that is."""
    try:
        found: UUID | None = None if text is None else pgproto.UUID(text)
    except ValueError:
        return None
    return found


@lru_cache(maxsize=8192)
def _parsed(text: str) -> UUID | None:
    """Most ids of an event stand in it twice, or in the events beside it: parsing them is a fifth of its reading."""
    return _new_uuid(text)


@lru_cache(maxsize=8192)
def _canonical(text: str) -> str | None:
    return None if (found := _new_uuid(text)) is None else str(found)


def _number(text: str | None) -> int | None:
    if text is None or len(text) > 20 or not text.isascii() or not text.isdigit():
        return None
    found = int(text)
    return found if found < _LARGEST else None


def _moment(text: str | None) -> datetime | None:
    try:
        found = None if text is None else datetime.fromisoformat(text)
        return found if found is None or found.tzinfo is UTC else _in_utc(found)
    except (ValueError, OverflowError):
        return None


def _in_utc(found: datetime) -> datetime | None:
    return None if found.tzinfo is None else found.astimezone(UTC)


@lru_cache(maxsize=1024)
def _from_ms(timestamp_ms: int) -> datetime | None:
    """Relays send many events in one millisecond."""
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC) if 0 < timestamp_ms < _LATEST_MS else None


def _site(fields: Mapping[str, Any]) -> UUID | None:
    if (site_id := _uuid(fields.get("site_id"))) is not None:
        return site_id
    several: object = fields.get("site_ids")
    return _uuid(several[0]) if isinstance(several, list) and len(several) == 1 else None


def _related(topic: str, fields: Mapping[str, Any], aggregate_id: str | None) -> tuple[str, ...]:
    ids = [
        one
        for text in (fields.get("shift_id"), fields.get("activity_id"))
        if isinstance(text, str) and (one := _canonical(text)) is not None
    ]
    own = None if aggregate_id is None or topic in _SITED else _canonical(aggregate_id)
    # A volunteer serves at many sites: what is about them alone has none.
    if own is not None and own != fields.get("volunteer_id"):
        ids.insert(0, own)
    return tuple(ids)
