"""Offsets of partitions as the broker knows them, for who consumes nothing."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.errors import TransientError
from shared.kafka.client import client_options
from shared.settings import Settings

__all__ = ["LogPlace", "places_of"]


@dataclass(frozen=True, slots=True)
class LogPlace:
    """The first offset of a partition's log, and the first at or after the moment asked for (None: there is none)."""

    beginning: int
    at: int | None


async def places_of(
    settings: Settings, partitions: Collection[TopicPartition], since: datetime | None
) -> dict[TopicPartition, LogPlace]:
    """Ask the broker where logs begin, and where a moment lies in them.

    Raises:
        TransientError: the broker does not answer.
    """
    consumer = AIOKafkaConsumer(**client_options(settings), client_id=f"weiguang-{settings.service}-positions")
    try:
        await consumer.start()
        beginnings = await consumer.beginning_offsets(list(partitions))
        found = {}
        if since is not None:
            found = await consumer.offsets_for_times(dict.fromkeys(partitions, int(since.timestamp() * 1000)))
        ats = {partition: None if place is None else place.offset for partition, place in found.items()}
        return {partition: LogPlace(beginnings[partition], ats.get(partition)) for partition in partitions}
    except (KafkaError, OSError) as error:
        raise TransientError(f"the broker at {settings.kafka_bootstrap} does not answer: {error}") from error
    finally:
        await consumer.stop()
