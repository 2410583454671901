"""Packs: many events of one transaction and topic in one row of the outbox, where a row each would cost more.

A pack's headers are the number of its events alone, which no event's are; its value is a msgpack array of them,
compressed, as neighbours resemble each other.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple
from uuid import UUID

import cramjam
import msgspec

__all__ = ["PACKED_BYTES", "PACKED_EVENTS", "PackedEvent", "RawEvent", "count_events", "events_of", "pack"]

RawEvent = tuple[UUID, str, str, str, bytes]
"""Event id, topic, key, headers as JSON, value."""
PACKED_EVENTS: Final = 50
"""A pack holds at most so many events; so few are never packed."""
PACKED_BYTES: Final = 4096
"""An event of more bytes stays a row of its own: a broker may refuse it, which a row can record."""


class PackedEvent(NamedTuple):
    """One event of a row: its key, its headers as JSON, its value."""

    key: str
    headers: str
    value: bytes


_PACK = re.compile(r'\{"events":(\d+)\}')
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[str, str, bytes]]).decode


def pack(rows: Sequence[RawEvent]) -> list[RawEvent]:
    """The rows to write: packs of neighbours with one topic. The id of a pack is that of its first event."""
    if len(rows) <= PACKED_EVENTS:
        return list(rows)
    found: list[RawEvent] = []
    for (topic, small), members in groupby(rows, _kind):
        if small:
            found += _packs(topic, list(members))
        else:
            found += members
    return found


def _kind(row: RawEvent) -> tuple[str, bool]:
    _, topic, key, headers, value = row
    return topic, len(key) + len(headers) + len(value) <= PACKED_BYTES


def _packs(topic: str, members: Sequence[RawEvent]) -> Iterator[RawEvent]:
    for start in range(0, len(members), PACKED_EVENTS):
        portion = members[start : start + PACKED_EVENTS]
        value = bytes(cramjam.lz4.compress_block(_encode([row[2:] for row in portion])))
        yield portion[0][0], topic, "", f'{{"events":{len(portion)}}}', value


def events_of(key: str, headers: str, value: bytes) -> list[PackedEvent]:
    """The events of a row, in their order: one, or those of a pack."""
    if _PACK.fullmatch(headers) is None:
        return [PackedEvent(key, headers, value)]
    return [PackedEvent(*one) for one in _decode(cramjam.lz4.decompress_block(value))]


def count_events(headers: str) -> int:
    """How many events a row with these headers holds."""
    found = _PACK.fullmatch(headers)
    return 1 if found is None else int(found[1])
