"""Record batches read by hand, for partitions in which the client library stops: every record, or why there is none.

Pure: bytes in, records and unreadable ranges out, in the order of offsets. Source: Kafka's message format, magic 2
(KIP-98); older formats are left to aiokafka, as Apache Kafka 4 no longer writes them. Unlike aiokafka it takes header
names that are not UTF-8, and goes on behind a record or a batch that it cannot read.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.errors import KafkaError
from aiokafka.record.legacy_records import LegacyRecordBatch
from aiokafka.record.util import calc_crc32c

from shared.cloudevents import Headers
from shared.kafka.codecs import BATCH_BYTES, decompress

__all__ = ["ConsumedRecord", "Parsed", "Unreadable", "parse"]

_PREFIX: Final = struct.Struct(">qi")
_HEADER: Final = struct.Struct(">qiibIhiqqqhii")
_MAGIC_AT: Final = 16
_CHECKED_FROM: Final = 21
"""The checksum covers what follows it."""
_LEAST: Final = 14
"""No message of any format is smaller; what says so has a broken length, behind which nothing can be found."""
_CODEC, _LOG_APPEND_TIME, _CONTROL = 0x07, 0x08, 0x20
_RECORD_KEPT: Final = 65_536
"""Of what cannot be read so many bytes are kept."""
_HEADERS: Final = 1_000_000


class _Broken(Exception):
    """The bytes are not what the format says."""


@dataclass(frozen=True, slots=True)
class ConsumedRecord:
    """A record as it lies on the topic; a header name that is not UTF-8 has its bytes escaped."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The offsets from ``first`` to ``last`` that cannot be read, with the reason and the beginning of their bytes."""

    first: int
    last: int
    reason: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Parsed:
    """The contents of the bytes of a log, up to ``next_offset``.

    ``stuck`` says why nothing is known of what lies there: the length of a batch is broken, or its offsets lead back.
    """

    found: list[ConsumedRecord | Unreadable]
    next_offset: int
    stuck: Unreadable | None = None


def parse(data: bytes, position: int, log_end: int) -> Parsed:
    """Read batches from ``position`` on, as a broker returned them; a last one that is cut off is left for later.

    ``log_end`` is the first offset that does not exist yet: no claim of a batch reaches beyond it.
    """
    found: list[ConsumedRecord | Unreadable] = []
    place = held = 0
    while len(data) - place >= _PREFIX.size and held < BATCH_BYTES:
        base, length = _PREFIX.unpack_from(data, place)
        end = place + _PREFIX.size + length
        if length < _LEAST:
            return Parsed(found, position, _unreadable(position, position, "the batch has no length", data[place:]))
        if end > len(data):
            break
        batch = data[place:end]
        last = _last_offset(batch, base, _next_base(data, end), log_end)
        if last is None:
            return Parsed(found, position, _unreadable(position, position, "the batch names no offsets", batch))
        if last >= position:
            here = [one for one in _read(batch, max(base, position), last) if _last_of(one) >= position]
            position = max([last, *map(_last_of, here)]) + 1
            found += here
            held += sum(len(one.value or b"") for one in here if isinstance(one, ConsumedRecord))
        place = end
    return Parsed(found, position)


def _next_base(data: bytes, place: int) -> int | None:
    return None if len(data) - place < _PREFIX.size else int(_PREFIX.unpack_from(data, place)[0])


def _last_offset(batch: bytes, base: int, next_base: int | None, log_end: int) -> int | None:
    """The last offset that a batch stands for, within its neighbour and the log; None if it names none."""
    last = base
    if batch[_MAGIC_AT] < 2:
        last = max(base, (next_base or 0) - 1)
    elif len(batch) >= _HEADER.size:
        last += int(_HEADER.unpack_from(batch)[6])
    if next_base is not None and base < next_base <= last:
        last = next_base - 1
    last = min(last, log_end - 1)
    return None if base < 0 or last < base else last


def _last_of(one: ConsumedRecord | Unreadable) -> int:
    return one.last if isinstance(one, Unreadable) else one.offset


def _unreadable(first: int, last: int, reason: str, data: bytes) -> Unreadable:
    return Unreadable(first, last, reason, bytes(data[:_RECORD_KEPT]))


def _read(batch: bytes, first: int, last: int) -> Iterator[ConsumedRecord | Unreadable]:
    """Read one batch; what lies before ``first`` may come too."""
    try:
        yield from _legacy(batch) if batch[_MAGIC_AT] < 2 else _records(batch, last)
    except (_Broken, KafkaError) as error:
        yield _unreadable(first, last, str(error.args[0]) if error.args else type(error).__name__, batch)
    except Exception as error:  # noqa: BLE001 - whatever the bytes provoke, reading goes on behind them
        yield _unreadable(first, last, f"the batch cannot be read: {type(error).__name__}", batch)


def _legacy(batch: bytes) -> list[ConsumedRecord | Unreadable]:
    read: Any = LegacyRecordBatch(batch, batch[_MAGIC_AT])
    if not read.validate_crc():
        raise _Broken("the checksum does not fit")
    return [ConsumedRecord(one.offset, one.timestamp or 0, one.key, one.value, ()) for one in read]


def _records(batch: bytes, last: int) -> list[ConsumedRecord | Unreadable]:
    if len(batch) < _HEADER.size:
        raise _Broken("the batch is shorter than its header")
    (base, _, _, magic, crc, attributes, _, first_ms, most_ms, _, _, _, count) = _HEADER.unpack_from(batch)
    if magic != 2:
        raise _Broken(f"the format {magic} is unknown")
    if calc_crc32c(batch[_CHECKED_FROM:]) != crc:
        raise _Broken("the checksum does not fit")
    if attributes & _CONTROL:
        return []
    if count < 0:
        raise _Broken(f"the batch claims {count} records")
    reader = _Reader(decompress(attributes & _CODEC, batch[_HEADER.size :]))
    found: list[ConsumedRecord | Unreadable] = []
    for number in range(count):
        expected = _last_of(found[-1]) + 1 if found else base
        if expected > last:
            break
        end, start = reader.length(), reader.place
        if end is None:
            found.append(_unreadable(expected, last, f"record {number} of the batch is cut", reader.data[start:]))
            break
        try:
            record = reader.record(base, first_ms, end)
            if not expected <= record.offset <= last:
                raise _Broken(f"record {number} of the batch has an offset out of order")
            if attributes & _LOG_APPEND_TIME:
                record = ConsumedRecord(record.offset, most_ms, record.key, record.value, record.headers)
            found.append(record)
        except (_Broken, IndexError) as error:
            reason = f"record {number} of the batch: {error}"
            found.append(_unreadable(expected, expected, reason, reader.data[start:end]))
        reader.place = end
    expected = _last_of(found[-1]) + 1 if found else base
    if reader.place < len(reader.data):  # more records than the batch has a count or offsets for
        reason = f"bytes behind the {len(found)} records that the batch claims"
        found.append(_unreadable(min(expected, last), last, reason, reader.data[reader.place :]))
    return found


class _Reader:
    """Reads the records of a batch, field by field, within bounds."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def length(self) -> int | None:
        """Read a record's length; returns where it ends, None if that is nowhere."""
        try:
            length = self._number()
        except (_Broken, IndexError):
            return None
        end = self.place + length
        return end if length >= 0 and end <= len(self.data) else None

    def record(self, base: int, first_ms: int, end: int) -> ConsumedRecord:
        self.place += 1  # attributes: none are defined
        timestamp, offset = first_ms + self._number(), base + self._number()
        key, value = self._bytes(end), self._bytes(end)
        count = self._number()
        if not 0 <= count <= _HEADERS:
            raise _Broken(f"{count} headers")
        headers = []
        for _ in range(count):
            name = self._bytes(end)
            if name is None:
                raise _Broken("a header has no name")
            headers.append((name.decode("utf-8", "backslashreplace"), self._bytes(end)))
        if self.place != end:
            raise _Broken("its length does not fit")
        return ConsumedRecord(offset, timestamp, key, value, headers)

    def _number(self) -> int:
        """Read a zigzag varint of at most ten bytes."""
        found = shift = 0
        while True:
            byte = self.data[self.place]
            self.place += 1
            found |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return (found >> 1) ^ -(found & 1)
            if shift > 63:
                raise _Broken("a number is too long")

    def _bytes(self, end: int) -> bytes | None:
        length = self._number()
        if length < 0:
            return None
        if self.place + length > end:
            raise _Broken("a field reaches beyond the record")
        start, self.place = self.place, self.place + length
        return self.data[start : self.place]
