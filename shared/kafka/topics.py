"""Topics of the registry (`shared.topics`) on the broker: created from here, never by accident."""

import asyncio
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    InvalidConfigurationError,
    InvalidPartitionsError,
    InvalidTopicError,
    KafkaError,
    NoError,
    PolicyViolationError,
    TopicAlreadyExistsError,
    for_code,
)

from shared.errors import PermanentError, TransientError
from shared.kafka.client import client_options
from shared.settings import Settings
from shared.topics import (
    CONTROL_TOPIC,
    INDEXED,
    LIVE,
    LIVE_DEAD_LETTERS,
    READERS,
    TOPICS,
    Topic,
    TopicReader,
    topic_name,
)

__all__ = [
    "CONTROL_TOPIC",
    "INDEXED",
    "LIVE",
    "LIVE_DEAD_LETTERS",
    "READERS",
    "TOPICS",
    "Topic",
    "TopicReader",
    "ensure_topics",
    "topic_configs",
    "topic_name",
]

_NEVER = (
    InvalidConfigurationError,
    InvalidPartitionsError,
    InvalidTopicError,
    PolicyViolationError,
)


async def ensure_topics(settings: Settings, *, attempts: int = 20) -> None:
    """Create every topic of the registry that the broker lacks.

    Raises:
        TransientError: the broker does not answer.
        PermanentError: the settings of the client or of the topics are refused.
    """
    options = client_options(settings)
    for attempt in range(attempts):
        client = AIOKafkaAdminClient(**options, client_id="weiguang-topics")
        try:
            await client.start()
            present = set(await client.list_topics())
            missing = [
                _new_topic(settings, name, topic)
                for topic in TOPICS.values()
                if (name := topic_name(settings, topic.entity)) not in present
            ]
            if not missing or _created(await client.create_topics(missing)):
                return
            continue
        except (KafkaError, OSError) as error:
            if attempt + 1 == attempts:
                raise TransientError(
                    f"the broker at {settings.kafka_bootstrap} does not create the topics: {error}"
                ) from error
            await asyncio.sleep(0.25)
        finally:
            await client.close()


def _created(answer: Any) -> bool:
    """Whether every topic is there now; False when a concurrent start created one and the rest must be looked up.

    Raises:
        PermanentError: the broker will never create one of them as it is asked to.
        KafkaError: it could not do so now.
    """
    complete = True
    for name, code, *more in answer.topic_errors:
        kind = for_code(code)
        if kind is TopicAlreadyExistsError:
            complete = False
        elif kind in _NEVER:
            reason = more[0] if more and more[0] else kind.__name__
            raise PermanentError(f"the broker does not create the topic {name}: {reason}")
        elif kind is not NoError:
            raise kind(f"{name}: {more[0] if more else ''}")  # a cluster that is still starting has too few brokers
    return complete


def _new_topic(settings: Settings, name: str, topic: Topic) -> NewTopic:
    partitions = topic.partitions or settings.topic_partitions
    return NewTopic(name, partitions, settings.kafka_replication_factor, topic_configs=topic_configs(settings, topic))


def topic_configs(settings: Settings, topic: Topic) -> dict[str, str]:
    """The configuration that a topic is created with and checked against; the embedded broker keeps none."""
    if settings.broker == "embedded":
        return {}
    configs = {"min.insync.replicas": str(settings.kafka_min_insync_replicas)}
    if topic.retention_hours is not None:
        configs["retention.ms"] = str(topic.retention_hours * 3_600_000)
    return configs
