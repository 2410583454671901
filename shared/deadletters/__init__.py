"""Dead letters: a record that cannot be applied becomes a row, and an event on its dead-letter topic.

Both in the transaction of the batch that it came in, so that nothing is put aside twice or forgotten. The row has the
whole record; an announcement that would be too large for the broker is cut, and says so in the header
``dead-letter-cut``.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from shared import outbox
from shared.ids import derived_id
from shared.kafka.consumer import Message
from shared.postgres import Tx, load_queries
from shared.telemetry import metrics

__all__ = ["DeadLetter", "fingerprint", "record"]

_SQL = load_queries(__file__)
_ANNOUNCED_BYTES = outbox.EVENT_BYTES - 4096
_HEADER_BYTES = 65_536
_KEY_CHARACTERS = 4096
_FRAMING = 10
"""Bytes that lengths may take, of each header and of the value."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message and why it was put aside. ``kind`` is ``permanent``, ``conflict`` or ``unknown-type``."""

    message: Message
    reason: str
    kind: str = "permanent"
    attempts: int = 1


def fingerprint(message: Message) -> bytes:
    """What makes two records the same dead letter: key, value and event id, wherever they lie in the log."""
    digest = hashlib.sha256()
    for part in (message.key or b"", message.value or b"", dict(message.headers).get("ce_id", b"")):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


async def record(tx: Tx, letters: Sequence[DeadLetter], *, group: str) -> int:
    """Store dead letters and announce the new ones; returns how many were new.

    A record that was put aside before, and comes again because a relay or a broker repeated it, stays one row.
    """
    if not letters:
        return 0
    columns = [_columns(letter) for letter in letters]
    rows = await tx.fetch(_SQL["insert_dead_letters"], group, *map(list, zip(*columns, strict=True)))
    new = {bytes(row["fingerprint"]): row["id"] for row in rows}
    announced = []
    for letter in letters:
        message = letter.message
        if (letter_id := new.pop(fingerprint(message), None)) is None:
            continue
        announced.append(_announcement(letter, letter_id, group))
        metrics.DEAD_LETTERS.labels(group, message.topic, letter.kind).inc()
    await outbox.append_raw(tx, announced)
    return len(announced)


def _announcement(letter: DeadLetter, letter_id: int, group: str) -> tuple[UUID, str, str, str, bytes]:
    message = letter.message
    key = (message.key or b"").decode("utf-8", "replace").replace("\0", "\\0")
    own = {"dead-letter-reason": letter.reason[:1000].replace("\0", "\\0"), "dead-letter-id": str(letter_id)}
    headers, value = _text_headers(message), message.value or b""
    if len(key.encode()) + _size(headers | own) + len(value) > _ANNOUNCED_BYTES:
        among = len(headers)
        key, headers = key[:_KEY_CHARACTERS], _first(headers, _HEADER_BYTES)
        kept = value[: _ANNOUNCED_BYTES - len(key.encode()) - _size(headers | own) - 1000]
        own["dead-letter-cut"] = (
            f"{len(kept)} of {len(value)} bytes and {len(headers)} of {among} headers; "
            f"the whole record is in the row {letter_id} of the table dead_letters"
        )
        value = kept
    return (
        derived_id("dead-letter", group, letter_id),
        f"{message.entity}.{group}.dlq",
        key,
        orjson.dumps(headers | own).decode(),
        value,
    )


def _size(headers: dict[str, str]) -> int:
    return sum(len(name.encode()) + len(text.encode()) + _FRAMING for name, text in headers.items())


def _first(headers: dict[str, str], size: int) -> dict[str, str]:
    """The first headers that together are at most so large."""
    kept: dict[str, str] = {}
    for name, text in headers.items():
        size -= _size({name: text})
        if size < 0:
            break
        kept[name] = text
    return kept


def _columns(letter: DeadLetter) -> tuple[object, ...]:
    message = letter.message
    headers = _text_headers(message)
    return (
        message.topic,
        message.partition,
        message.offset,
        message.key,
        orjson.dumps(headers).decode(),
        message.value,
        fingerprint(message),
        letter.kind,
        letter.reason.replace("\0", "\\0")[:4000],
        letter.attempts,
        headers.get("traceparent"),
    )


def _text_headers(message: Message) -> dict[str, str]:
    """Headers as PostgreSQL's jsonb can hold them: UTF-8 without NUL."""
    return {
        name.replace("\0", "\\0"): (value or b"").decode("utf-8", "backslashreplace").replace("\0", "\\0")
        for name, value in message.headers
    }
