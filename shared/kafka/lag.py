"""How far a consumer is behind, by partition."""

from collections.abc import Collection
from typing import Any

from aiokafka import TopicPartition

from shared.kafka.offsets import Offsets
from shared.telemetry import metrics

__all__ = ["LagMeter"]


class LagMeter:
    """Measures the lag of one consumer, and remembers the last positions and ends."""

    def __init__(self, group: str, offsets: Offsets) -> None:
        self.group = group
        self.places: dict[TopicPartition, tuple[int, int]] = {}
        """Partition → the first offset that is not applied, and the first that does not exist."""
        self._offsets = offsets
        self._seen: dict[TopicPartition, int] = {}

    async def measure(self, consumer: Any, in_hand: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Count the records that wait in each partition.

        The broker is asked only about partitions in which nothing has moved since the last check: a fetch reports the
        end too, and what is asked holds up the fetches behind it (the embedded broker counts through all it holds).
        """
        assignment = consumer.assignment()
        known = self._offsets.processed
        still = [one for one in assignment if known.get(one) is None or known.get(one) == self._seen.get(one)]
        ends = await consumer.end_offsets(still) if still else {}
        self._seen = dict(known)
        places: dict[TopicPartition, tuple[int, int]] = {}
        for partition in assignment:
            done = known.get(partition)
            if done is None or partition not in in_hand:  # markers of transactions are passed by, and never done
                done = max(done or 0, await consumer.position(partition))
            # The embedded broker reports the beginning of its last batch as the end; what a fetch said is exact.
            waiting = max(0, max(ends.get(partition, 0), consumer.highwater(partition) or 0) - done)
            places[partition] = (done, done + waiting)
            metrics.CONSUMER_LAG.labels(self.group, partition.topic, str(partition.partition)).set(waiting)
        self.places = places
        return {partition: end - done for partition, (done, end) in places.items()}
