"""A faust app with the service's consumer, on a topic of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.ids import new_id
from tests.support.brokers import TestBroker
from tests.support.waiting import WAIT_LIMIT, eventually

__all__ = ["Body", "Lab", "lab", "records"]

Body = Callable[[Any], Awaitable[None]]


@dataclass
class Lab:
    """A topic of one partition and a consumer group, and faust workers that come and go in this process."""

    bootstrap: str
    directory: Path
    topic: str
    embedded: bool
    group: str = field(default_factory=lambda: f"g{new_id().hex}")

    def app(self, make: Callable[..., Any] = faust.App, **settings: Any) -> Any:
        return make(
            self.group,
            broker=f"aiokafka://{self.bootstrap}",
            datadir=self.directory,
            store="memory://",
            topic_partitions=1,
            topic_replication_factor=1,
            topic_disable_leader=True,
            stream_wait_empty=False,
            # Apache Kafka takes no less than 6 s; the embedded broker makes a group wait for half of it.
            broker_session_timeout=2.0 if self.embedded else 6.0,
            broker_heartbeat_interval=0.5,
            consumer_metadata_max_age_ms=1_000,
            web_enabled=False,
            **{"broker_commit_interval": 0.1, **settings},
        )

    def source(self, app: Any, value_type: Any = bytes, serializer: str = "raw") -> Any:
        return app.topic(
            self.topic,
            key_type=bytes,
            value_type=value_type,
            key_serializer="raw",
            value_serializer=serializer,
            partitions=1,
        )

    async def send(self, *values: bytes) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, enable_idempotence=False)
        await producer.start()
        try:
            for value in values:
                await producer.send_and_wait(self.topic, value, key=b"k")
        finally:
            await producer.stop()

    @asynccontextmanager
    async def running(self, app: Any, body: Body, source: Any = None) -> AsyncIterator[None]:
        app.agent(source or self.source(app), name="lab")(body)
        app.finalize()
        await app.start()
        try:
            yield
        finally:
            await asyncio.wait_for(app.stop(), WAIT_LIMIT)

    async def next_offset(self) -> int:
        """Where the group's next worker begins: records before it never come again."""
        client = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await client.start()
        try:
            partition = TopicPartition(self.topic, 0)
            found = await client.list_consumer_group_offsets(self.group, partitions=[partition])
            return max(0, int(found[partition].offset))
        finally:
            await client.close()


def records(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


@pytest.fixture
async def lab(broker: TestBroker, tmp_path: Path) -> Lab:
    topic = f"{broker.topic_prefix}lab"
    client = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await client.start()
    try:
        await client.create_topics([NewTopic(topic, 1, 1)])

        async def known() -> bool:
            described = await client.describe_topics([topic])
            return bool(described[0]["partitions"])

        # Apache Kafka answers before its metadata know the topic, and faust forms its group without it.
        await eventually(known)
    finally:
        await client.close()
    return Lab(broker.bootstrap, tmp_path, topic, broker.name == "embedded")
