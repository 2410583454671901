"""Where a life of the agents begins in their topics."""

import asyncio
from collections.abc import Iterable

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.kafka.client import client_options
from shared.kafka.topics import topic_name
from shared.settings import Settings

__all__ = ["begin_at_ends"]

_log = structlog.get_logger(__name__)
ATTEMPTS = 3
PAUSE_SECONDS = 1.0


async def begin_at_ends(settings: Settings, group: str, entities: Iterable[str]) -> None:
    """Commit the topics' ends for the group, so that no record which no client can read stops each life anew.

    A broker refuses while a process that died is still in the group: after some attempts the agents begin where
    that one had committed.
    """
    for attempt in range(ATTEMPTS):
        consumer = AIOKafkaConsumer(**client_options(settings), group_id=group, enable_auto_commit=False)
        try:
            await consumer.start()
            await _commit_ends(consumer, [topic_name(settings, entity) for entity in entities])
            return
        except (KafkaError, OSError) as error:
            _log.warning("live.beginning_postponed", attempt=attempt, error=repr(error))
            await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await consumer.stop()


async def _commit_ends(consumer: AIOKafkaConsumer, topics: Iterable[str]) -> None:
    known = await consumer.topics()
    places = [
        TopicPartition(topic, number)
        for topic in topics
        if topic in known
        for number in consumer.partitions_for_topic(topic) or ()
    ]
    if places:
        consumer.assign(places)
        await consumer.commit(await consumer.end_offsets(places))
