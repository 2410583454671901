"""Dead letters: a record that cannot be applied becomes a row, and an event on its dead-letter topic.

Both in the transaction of the batch that it came in, so that nothing is put aside twice or forgotten.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from shared import outbox
from shared.ids import derived_id
from shared.kafka.consumer import Message
from shared.postgres import Tx, load_queries
from shared.telemetry import metrics

__all__ = ["DeadLetter", "fingerprint", "record"]

_SQL = load_queries(__file__)


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
        headers = _text_headers(message)
        headers |= {"dead-letter-reason": letter.reason[:1000].replace("\0", "\\0"), "dead-letter-id": str(letter_id)}
        key = (message.key or b"").decode("utf-8", "replace").replace("\0", "\\0")
        announced.append(
            (
                derived_id("dead-letter", group, letter_id),
                f"{message.entity}.{group}.dlq",
                key,
                orjson.dumps(headers).decode(),
                message.value or b"",
            )
        )
        metrics.DEAD_LETTERS.labels(group, message.topic, letter.kind).inc()
    await outbox.append_raw(tx, announced)
    return len(announced)


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
