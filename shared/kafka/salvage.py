"""Reading by hand where the client library stops: a partition goes on behind what cannot be read.

aiokafka 0.14 raises for a whole batch that it cannot decode, again at each call, and drops the records of other
partitions that it had ready; some damage it skips without a word. So the batch consumer goes back to what it has
applied and reads the same bytes here, once. Normal reading goes on behind them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import (
    CorruptRecordException,
    IllegalStateError,
    KafkaError,
    OffsetOutOfRangeError,
    RecordTooLargeError,
    UnsupportedCodecError,
)
from aiokafka.protocol.fetch import FetchRequest

from shared.kafka.batches import ConsumedRecord, Parsed, Unreadable, parse

__all__ = ["Salvaged", "is_about_records", "read_around", "salvage"]

_log = structlog.get_logger(__name__)

FETCH_BYTES, FETCH_MOST = 1_048_576, 67_108_864
FETCH_WAIT_MS = 100
_NO_ERROR, _OUT_OF_RANGE = 0, 1
_DAMAGED = frozenset({-1, 2, 76, 87})
"""Unknown server error, corrupt message, unsupported compression, invalid record: what a broker says of damage."""

Found = list[ConsumedRecord | Unreadable]


class Salvaged(NamedTuple):
    """The readable records from a position on, up to ``next_offset``."""

    found: Found
    next_offset: int


class _Answer(NamedTuple):
    code: int
    log_end: int
    data: bytes


def is_about_records(error: Exception) -> bool:
    """Whether an error of the client may be due to what lies on the topic, and not to the broker or the group."""
    known = CorruptRecordException, UnsupportedCodecError, RecordTooLargeError
    return isinstance(error, known) or type(error) is KafkaError or not isinstance(error, KafkaError)


async def salvage(
    consumer: Any, partitions: Iterable[TopicPartition], done: Mapping[TopicPartition, int]
) -> dict[TopicPartition, Found]:
    """Read partitions by hand from where they are done, and let the consumer go on behind what was found.

    Partitions that were taken away, or whose broker does not answer now, are left out: they are read again.
    """
    partitions = list(partitions)
    for partition in partitions:  # at once: the client has moved past records that it did not return
        if partition in done and partition in consumer.assignment():
            consumer.seek(partition, done[partition])
    found: dict[TopicPartition, Found] = {}
    for partition in partitions:
        try:
            salvaged = await _salvage(consumer, partition, done)
            consumer.seek(partition, salvaged.next_offset)
        except (KafkaError, OSError) as error:
            _log.warning(
                "salvage.waits", topic=partition.topic, partition=partition.partition, error=type(error).__name__
            )
            continue
        if salvaged.found:
            found[partition] = salvaged.found
    return found


async def _salvage(consumer: Any, partition: TopicPartition, done: Mapping[TopicPartition, int]) -> Salvaged:
    start, known_end = await _start(consumer, partition, done), consumer.highwater(partition) or 0
    try:
        return await read_around(consumer._client, partition, start, known_end)
    except OffsetOutOfRangeError:  # what lay there is deleted, or the log began anew
        start = (await consumer.beginning_offsets([partition]))[partition]
        return await read_around(consumer._client, partition, start, known_end)


async def _start(consumer: Any, partition: TopicPartition, done: Mapping[TopicPartition, int]) -> int:
    if partition not in consumer.assignment():
        raise IllegalStateError(f"{partition} was taken away")
    start = done.get(partition)
    if start is None:
        start = await consumer.committed(partition)
    if start is None:
        start = (await consumer.beginning_offsets([partition]))[partition]
    found: int = start
    return found


async def read_around(client: Any, partition: TopicPartition, position: int, known_end: int) -> Salvaged:
    """Read what a broker has of a partition from ``position`` on; the rest of a batch that is broken is skipped.

    Raises:
        OffsetOutOfRangeError: the log does not have this position.
        KafkaError: the broker does not answer, or serves nothing of what it should have.
    """
    size = FETCH_BYTES
    while True:
        answer = await _fetch(client, partition, position, size)
        parsed = _parsed(answer, position)
        if parsed.next_offset > position or (parsed.stuck is None and not answer.data and answer.log_end <= position):
            return Salvaged(parsed.found, parsed.next_offset)
        if parsed.stuck is None and answer.data and size < FETCH_MOST:
            size *= 8  # the first batch is larger than what the broker was asked for
            continue
        log_end = max(answer.log_end, known_end)
        return await _skip(client, partition, position, log_end, parsed, served=bool(answer.data))


def _parsed(answer: _Answer, position: int) -> Parsed:
    if answer.code == _OUT_OF_RANGE:
        raise OffsetOutOfRangeError(position)
    if answer.code != _NO_ERROR:
        reason = f"the broker answers with error {answer.code}"
        return Parsed([], position, Unreadable(position, position, reason, b""))
    parsed = parse(answer.data, position, answer.log_end)
    if parsed.stuck is not None and parsed.next_offset > position:
        return Parsed(parsed.found, parsed.next_offset)  # it is read again from there
    return parsed


async def _skip(
    client: Any, partition: TopicPartition, position: int, log_end: int, parsed: Parsed, *, served: bool
) -> Salvaged:
    """Find the next offset that can be read, in few steps: first in growing ones, then by halves."""
    reason = "the batch is larger than any that is read" if served else "the broker serves nothing there"
    stuck = parsed.stuck or Unreadable(position, position, reason, b"")

    async def readable(offset: int) -> bool:
        answer = await _fetch(client, partition, offset, FETCH_BYTES)
        return (
            answer.code == _NO_ERROR and bool(answer.data) and parse(answer.data, offset, answer.log_end).stuck is None
        )

    low, step = position, 1
    while (high := min(low + step, log_end)) < log_end and not await readable(high):
        low, step = high, step * 2
    if high >= log_end and high - low > 1 and await readable(log_end - 1):
        high = log_end - 1
    if high >= log_end and not stuck.data:
        raise KafkaError(f"{partition}: {stuck.reason}, and nothing behind it can be read")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if await readable(middle) else (middle, high)
    return Salvaged([replace(stuck, last=high - 1)], high)


async def _fetch(client: Any, partition: TopicPartition, offset: int, size: int) -> _Answer:
    node = client.cluster.leader_for_partition(partition)
    if node is None or node == -1:
        client.force_metadata_update()
        raise KafkaError(f"{partition} has no leader")
    place = [(partition.topic, [(partition.partition, offset, size)])]
    response: Any = await client.send(node, FetchRequest(FETCH_WAIT_MS, 1, size, 0, place))
    _, code, log_end, *rest = response.topics[0][1][0]
    if code not in _DAMAGED | {_NO_ERROR, _OUT_OF_RANGE}:
        client.force_metadata_update()
        raise KafkaError(f"{partition}: the broker answers with error {code}")
    return _Answer(code, log_end, rest[-1] or b"")
