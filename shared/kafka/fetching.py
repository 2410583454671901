"""Reads by hand what faust's consumer fetches, where the client library raises, skips or stands still.

faust ends its worker for whatever aiokafka raises, at each start again, and reads a gap in a partition as records that
it must still wait for. Here a range that cannot be read becomes one record whose value names it, and a gap that the log
itself has is remembered, so that the guard and faust's commits can pass it.
"""

import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError
from aiokafka.structs import ConsumerRecord

from shared.kafka.batches import ConsumedRecord, Unreadable
from shared.kafka.codecs import bound_client
from shared.kafka.salvage import is_about_records, salvage
from shared.telemetry import metrics

__all__ = ["Fetching", "Gaps", "UnreadableBytes"]

log = structlog.get_logger(__name__)

STILL_SECONDS = 15.0
"""After so long without a record, although the broker has some, a partition is read by hand."""
FRUITLESS_MOST = 5
_GAPS_KEPT = 10_000

Place = tuple[str, int]
Records = dict[Any, list[Any]]


class UnreadableBytes(bytes):
    """The value of a record that stands for offsets that cannot be read."""

    unreadable: Unreadable


class Gaps:
    """The gaps of logs: for the offset behind each, the first one that is missing.

    A consumer's thread notes them before another one asks.
    """

    def __init__(self) -> None:
        self._behind: defaultdict[Place, dict[int, int]] = defaultdict(dict)
        self._new: deque[tuple[Place, int, int]] = deque()

    def note(self, place: Place, missing: int, behind: int) -> None:
        """Note that from ``missing`` on there is nothing before ``behind``."""
        if missing < behind:
            known = self._behind[place]
            known[behind] = missing
            self._new.append((place, missing, behind))
            if len(known) > _GAPS_KEPT:
                del known[next(iter(known))]

    def new(self) -> Iterator[tuple[Place, int, int]]:
        """Yield what was noted since the last call, each once: the place, the first offset missing, and that behind."""
        while self._new:
            yield self._new.popleft()

    def explain(self, place: Place, missing: int, behind: int) -> bool:
        """Whether the log has nothing from ``missing`` to ``behind``."""
        return self._behind[place].get(behind, behind) <= missing


class Fetching:
    """Fetches for one consumer.

    Args:
        compacted: says of which topics gaps are usual, so that nothing is looked for in them.
    """

    def __init__(self, group: str, gaps: Gaps, compacted: Callable[[TopicPartition], bool]) -> None:
        self.group = group
        self.gaps = gaps
        self._compacted = compacted
        self._fruitless = 0
        self._next: dict[TopicPartition, int] = {}
        self._still: dict[TopicPartition, tuple[int, float]] = {}
        bound_client()

    async def fetch(
        self, consumer: Any, partitions: Collection[TopicPartition], client: Callable[[], Awaitable[Records]]
    ) -> Records:
        """Fetch by the client; by hand where that does not do.

        Raises:
            Exception: of the client, if it is no fault of the records.
        """
        found = await self._fetch(consumer, partitions, client)
        for partition, records in found.items():
            expected = self._next.get(partition)
            self._next[partition] = records[-1].offset + 1
            if expected is not None:
                self._note(partition, expected, records[0])
        return found

    async def _fetch(
        self, consumer: Any, partitions: Collection[TopicPartition], client: Callable[[], Awaitable[Records]]
    ) -> Records:
        before = _positions(consumer, partitions)
        try:
            found = await client()
        except ConsumerStoppedError:
            raise
        except Exception as error:
            if not is_about_records(error) or self._fruitless >= FRUITLESS_MOST:
                raise
            found = await self._by_hand(consumer, before, type(error).__name__)
            self._fruitless = 0 if found else self._fruitless + 1
            return found
        self._fruitless = 0
        starts = {tp: min(records[0].offset, before.get(tp, records[0].offset)) for tp, records in found.items()}
        missing = {tp: starts[tp] for tp, records in found.items() if self._leaves_out(tp, records, starts[tp])}
        if missing:
            kept = {tp: records for tp, records in found.items() if tp not in missing}
            return kept | await self._by_hand(consumer, missing, "offsets are missing")
        if still := self._standing_still(consumer, before, found):
            return found | await self._by_hand(consumer, still, "nothing moves")
        return found

    def _leaves_out(self, partition: TopicPartition, records: list[Any], start: int) -> bool:
        return not self._compacted(partition) and bool(records[-1].offset - start + 1 != len(records))

    def _standing_still(
        self, consumer: Any, before: Mapping[TopicPartition, int], found: Records
    ) -> dict[TopicPartition, int]:
        now, still = time.monotonic(), {}
        for partition, position in before.items():
            if partition in found or (consumer.highwater(partition) or 0) <= position:
                self._still.pop(partition, None)
                continue
            known, since = self._still.setdefault(partition, (position, now))
            if known != position:
                self._still[partition] = (position, now)
            elif now - since > STILL_SECONDS:
                del self._still[partition]
                still[partition] = position
        return still

    async def _by_hand(self, consumer: Any, starts: Mapping[TopicPartition, int], reason: str) -> Records:
        log.warning("agents.read_by_hand", group=self.group, partitions=len(starts), reason=reason)
        now = _positions(consumer, starts)
        starts = {tp: min(start, now.get(tp, start)) for tp, start in starts.items()}  # it may have been set back
        found: Records = {}
        for partition, ones in (await salvage(consumer, starts, starts)).items():
            unwanted = Unreadable if self._compacted(partition) else ()
            records = [self._record(partition, one) for one in ones if not isinstance(one, unwanted)]
            position = starts[partition]
            for record in records:
                self._note(partition, position, record)
                position = record.offset + 1
            if records:
                found[partition] = records
        return found

    def _note(self, partition: TopicPartition, expected: int, record: Any) -> None:
        """Note what lies before a record; what it stands for itself is a gap only for faust, which sees its last."""
        if self._compacted(partition):
            return
        first = record.value.unreadable.first if isinstance(record.value, UnreadableBytes) else record.offset
        self.gaps.note(tuple(partition), expected, first)
        self.gaps.note(tuple(partition), min(expected, first), record.offset)

    def _record(self, partition: TopicPartition, one: ConsumedRecord | Unreadable) -> Any:
        if isinstance(one, ConsumedRecord):
            return _consumer_record(partition, one)
        metrics.UNREADABLE_RANGES.labels(self.group, partition.topic).inc()
        value = UnreadableBytes(one.data)
        value.unreadable = one
        return _consumer_record(partition, ConsumedRecord(one.last, 0, None, value, ()))


def _positions(consumer: Any, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
    """Where the client is now; without waiting for partitions of which it is not known yet."""
    subscription = consumer._subscription.subscription
    if subscription is None or subscription.assignment is None:
        return {}
    assignment = subscription.assignment
    states = {tp: assignment.state_value(tp) for tp in partitions if tp in assignment.tps}
    return {tp: state.position for tp, state in states.items() if state.has_valid_position}


def _consumer_record(partition: TopicPartition, one: ConsumedRecord) -> Any:
    sizes = [-1 if part is None else len(part) for part in (one.key, one.value)]
    topic, number = partition
    return ConsumerRecord(
        topic, number, one.offset, one.timestamp_ms, 0, one.key, one.value, None, *sizes, tuple(one.headers)
    )
