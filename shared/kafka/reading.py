"""Reading what lies on partitions, whatever it is: with the client library, and by hand where that does not do."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError

from shared.kafka.batches import ConsumedRecord, Unreadable
from shared.kafka.codecs import bound_client
from shared.kafka.messages import Message
from shared.kafka.salvage import is_about_records, salvage
from shared.telemetry import metrics

__all__ = ["PartitionReader", "message_from", "why_unreadable"]

log = structlog.get_logger(__name__)

FRUITLESS_MOST = 5
"""After so many errors in a row with nothing found by hand, the client's error is no fault of the records."""
_REASON = "unreadable"


class PartitionReader:
    """Reads partitions for one consumer, each record once and in order.

    Args:
        entities: names of topics on the broker → their logical names.
        max_records: no more are asked of the client at once; a reading by hand may bring more.
    """

    def __init__(self, group: str, entities: Mapping[str, str], max_records: int) -> None:
        self.group = group
        self._entities = entities
        self._max_records = max_records
        self._fruitless = 0
        bound_client()

    async def read(
        self,
        consumer: Any,
        partitions: Sequence[TopicPartition],
        done: Mapping[TopicPartition, int],
        *,
        wait_ms: int,
        by_hand: bool = False,
        at_most: int | None = None,
    ) -> dict[TopicPartition, list[Message]]:
        """Read what is there.

        It is read by hand where the client raises, where it left out offsets, and if ``by_hand`` says that nothing
        has moved although something waits. ``done``: the first offset of each partition that is not applied, or not
        read. ``at_most``: how many records, where fewer than otherwise are wanted.

        Raises:
            Exception: of the client, if it is no fault of the records.
        """
        if by_hand:
            return await self._salvage(consumer, partitions, done, "nothing moves")
        try:
            records = await consumer.getmany(*partitions, timeout_ms=wait_ms, max_records=at_most or self._max_records)
        except ConsumerStoppedError:
            raise
        except Exception as error:
            if not is_about_records(error) or self._fruitless >= FRUITLESS_MOST:
                raise
            found = await self._salvage(consumer, partitions, done, type(error).__name__)
            self._fruitless = 0 if found else self._fruitless + 1
            return found
        self._fruitless = 0
        gaps = [partition for partition, found in records.items() if _leaves_out(found, done.get(partition))]
        read = {
            partition: [self._plain(record) for record in found]
            for partition, found in records.items()
            if partition not in gaps
        }
        return read | await self._salvage(consumer, gaps, done, "offsets are missing") if gaps else read

    def _plain(self, record: Any) -> Message:
        return Message(
            record.topic,
            self._entities[record.topic],
            record.partition,
            record.offset,
            record.key,
            record.value,
            record.headers,
            record.timestamp,
        )

    async def _salvage(
        self,
        consumer: Any,
        partitions: Sequence[TopicPartition],
        done: Mapping[TopicPartition, int],
        reason: str,
    ) -> dict[TopicPartition, list[Message]]:
        log.warning("consumer.reads_by_hand", group=self.group, partitions=len(partitions), reason=reason)
        found = await salvage(consumer, partitions, done)
        for partition, ones in found.items():
            if ranges := sum(isinstance(one, Unreadable) for one in ones):
                metrics.UNREADABLE_RANGES.labels(self.group, partition.topic).inc(ranges)
        return {
            partition: [message_from(partition, self._entities[partition.topic], one) for one in ones]
            for partition, ones in found.items()
        }


def _leaves_out(records: Sequence[Any], done: int | None) -> bool:
    """Whether offsets are missing among what the client returned, or before it; it may well have gone back."""
    first = records[0].offset if done is None else min(records[0].offset, done)
    return bool(records[-1].offset - first + 1 != len(records))


def message_from(partition: TopicPartition, entity: str, one: ConsumedRecord | Unreadable) -> Message:
    """Make a message of what was read by hand."""
    topic, number = partition
    if isinstance(one, Unreadable):
        headers = [(_REASON, one.reason.encode())]
        return Message(topic, entity, number, one.first, None, one.data, headers, 0, one.last)
    return Message(topic, entity, number, one.offset, one.key, one.value, one.headers, one.timestamp_ms)


def why_unreadable(message: Message) -> str:
    """Say which offsets an unreadable message stands for, and why."""
    reason = (dict(message.headers)[_REASON] or b"").decode()
    return f"offsets {message.offset} to {message.unreadable_to} cannot be read: {reason}"
