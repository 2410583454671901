"""Dead letters: a record that cannot be applied becomes a row, and an event on its dead-letter topic.

Both in the transaction of the batch that it came in, so that each dead letter is stored exactly once. The row has the
whole record; an announcement that would be too large for the broker is cut, and says so in the header
``dead-letter-cut``. A letter that PostgreSQL refuses is stored reduced: place, sizes, a hash and both reasons.

The same record again counts on its row. One that was replayed is open again: it was applied once, and now it cannot be.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

import orjson
import structlog

from shared import outbox
from shared.ids import derived_id
from shared.kafka.consumer import Message
from shared.postgres import TRANSIENT, Tx, load_queries
from shared.telemetry import metrics

__all__ = ["DeadLetter", "caught_letters", "fingerprint", "record", "reduced"]

_log = structlog.get_logger(__name__)
_SQL = load_queries(__file__)
_ANNOUNCED_BYTES = outbox.EVENT_BYTES - 4096
_HEADER_BYTES = 65_536
_KEY_CHARACTERS = 4096
_FRAMING = 10
"""Bytes that lengths may take, of each header and of the value."""


_caught: ContextVar[list["DeadLetter"] | None] = ContextVar("caught_letters", default=None)


@contextmanager
def caught_letters() -> Iterator[list["DeadLetter"]]:
    """Collect dead letters instead of storing them, while the block runs: those of a replay have their rows already."""
    found: list[DeadLetter] = []
    token = _caught.set(found)
    try:
        yield found
    finally:
        _caught.reset(token)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message and the reason why it cannot be applied.

    ``kind`` is ``permanent``, ``conflict``, ``unknown-type`` or, for what the client cannot read, ``unreadable``.
    """

    message: Message
    reason: str
    kind: str = "permanent"
    attempts: int = 1


def fingerprint(message: Message) -> bytes:
    """Hash what makes two records the same dead letter: key, value and event id, wherever they lie in the log.

    An unreadable range has none of these for certain: it is identified by its place as well.
    """
    digest = hashlib.sha256()
    parts = [message.key or b"", message.value or b"", dict(message.headers).get("ce_id") or b""]
    if message.unreadable_to is not None:
        parts.append(f"{message.topic}/{message.partition}/{message.offset}-{message.unreadable_to}".encode())
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


async def record(tx: Tx, letters: Sequence[DeadLetter], *, group: str) -> int:
    """Store dead letters and announce the new ones; returns how many were new.

    A record that a relay or a broker repeats stays one row. Letters are written in savepoints: one that PostgreSQL or
    an encoder refuses is stored reduced, and changes nothing about the others or the rest of the transaction.

    Raises:
        Exception: a database error that is no fault of the letters, or one that refuses even a reduced letter.
    """
    if not letters:
        return 0
    if (caught := _caught.get()) is not None:
        caught.extend(letters)
        return 0
    try:
        async with tx.savepoint():
            return await _store(tx, letters, group)
    except TRANSIENT:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a letter holds, it must not stop its partition
        if len(letters) == 1:
            return await _store_reduced(tx, letters[0], error, group)
    return sum([await record(tx, [letter], group=group) for letter in letters])


async def _store_reduced(tx: Tx, letter: DeadLetter, error: Exception, group: str) -> int:
    message = letter.message
    _log.error(
        "deadletter.reduced",
        group=group,
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        error=type(error).__name__,
    )
    async with tx.savepoint():
        return await _store(tx, [reduced(letter, error)], group)


def reduced(letter: DeadLetter, error: Exception) -> DeadLetter:
    """Describe a letter that cannot be stored as it is: place, sizes, SHA-256 of the value, and why; no content."""
    message = letter.message
    value, key = message.value or b"", message.key or b""
    headers = [
        ("dead-letter-reduced", type(error).__name__),
        ("key-bytes", str(len(key))),
        ("value-bytes", str(len(value))),
        ("header-count", str(len(message.headers))),
        ("key-sha256", hashlib.sha256(key).hexdigest()),
        ("value-sha256", hashlib.sha256(value).hexdigest()),
    ]
    bare = message._replace(
        key=None,
        value=None,
        headers=[(name, text.encode()) for name, text in headers],
        unreadable_to=message.next_offset - 1,
    )
    return DeadLetter(bare, _text(letter.reason), _kind(letter), letter.attempts)


def _kind(letter: DeadLetter) -> str:
    unreadable = letter.message.unreadable_to is not None and letter.message.value is not None
    return "unreadable" if unreadable else letter.kind


async def _store(tx: Tx, letters: Sequence[DeadLetter], group: str) -> int:
    prints = [fingerprint(letter.message) for letter in letters]
    times = Counter(zip((letter.message.topic for letter in letters), prints, strict=True))
    unique = {
        (letter.message.topic, mark): (*_columns(letter, mark), times[letter.message.topic, mark])
        for letter, mark in zip(letters, prints, strict=True)
    }
    columns = list(unique.values())
    rows = await tx.fetch(_SQL["insert_dead_letters"], group, *map(list, zip(*columns, strict=True)))
    new = {bytes(row["fingerprint"]): row["id"] for row in rows if row["new"]}
    announced = []
    added = []
    for letter in letters:
        if (letter_id := new.pop(fingerprint(letter.message), None)) is not None:
            announced.append(_announcement(letter, letter_id, group))
            added.append(letter)
    await outbox.append_raw(tx, announced)
    for letter in added:
        metrics.DEAD_LETTERS.labels(group, letter.message.topic, _kind(letter)).inc()
    return len(announced)


def _announcement(letter: DeadLetter, letter_id: int, group: str) -> tuple[UUID, str, str, str, bytes]:
    message = letter.message
    key = _text((message.key or b"").decode("utf-8", "replace"))
    own = {"dead-letter-reason": _text(letter.reason[:1000]), "dead-letter-id": str(letter_id)}
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


def _columns(letter: DeadLetter, mark: bytes) -> tuple[object, ...]:
    message = letter.message
    headers = _text_headers(message)
    return (
        message.topic,
        message.partition,
        message.offset,
        message.key,
        orjson.dumps(headers).decode(),
        message.value,
        mark,
        _kind(letter),
        _text(letter.reason[:4000]),
        letter.attempts,
        headers.get("traceparent"),
        message.unreadable_to,
    )


def _text_headers(message: Message) -> dict[str, str]:
    """Convert headers to what PostgreSQL's jsonb can hold: UTF-8 without NUL. A null value becomes an empty one."""
    return {_text(name): _text((value or b"").decode("utf-8", "backslashreplace")) for name, value in message.headers}


def _text(text: str) -> str:
    """Escape what PostgreSQL's text cannot hold: NUL and lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
