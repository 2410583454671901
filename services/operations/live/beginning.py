"""Where a life of the agents begins in their topics."""

import asyncio
from collections.abc import Collection, Iterable, Sequence

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from shared.kafka.client import client_options
from shared.kafka.topics import topic_name
from shared.settings import Settings

__all__ = ["begin_at_ends"]

_log = structlog.get_logger(__name__)
ATTEMPTS = 5
JOIN_SECONDS = 15.0
SESSION_MS = 6_000
"""A broker waits for a dead member of a group as long as its session lasts; the embedded one until another joins."""


async def begin_at_ends(settings: Settings, group: str, entities: Iterable[str]) -> None:
    """Commit the topics' ends for the group, so that no record which no client can read stops each life anew.

    A broker refuses while a process that died is still in the group; a member that joins and leaves ends it. After
    some attempts the agents begin where that process had committed.
    """
    topics = [topic_name(settings, entity) for entity in entities]
    for attempt in range(ATTEMPTS):
        consumer = AIOKafkaConsumer(**client_options(settings), group_id=group, enable_auto_commit=False)
        try:
            await consumer.start()
            await _commit_ends(consumer, topics)
            return
        except (KafkaError, OSError) as error:
            _log.warning("live.beginning_postponed", attempt=attempt, error=repr(error))
        finally:
            await consumer.stop()
        await _join_and_leave(settings, group, topics)


class _Joined(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    def __init__(self) -> None:
        self.event = asyncio.Event()

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        pass

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self.event.set()


async def _join_and_leave(settings: Settings, group: str, topics: Sequence[str]) -> None:
    joined = _Joined()
    consumer = AIOKafkaConsumer(
        **client_options(settings), group_id=group, enable_auto_commit=False, session_timeout_ms=SESSION_MS
    )
    consumer.subscribe(topics, listener=joined)
    try:
        await consumer.start()
        async with asyncio.timeout(JOIN_SECONDS):
            await joined.event.wait()
    except (KafkaError, OSError, TimeoutError) as error:
        _log.warning("live.group_not_joined", error=repr(error))
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
