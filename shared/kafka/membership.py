"""A client's membership in a consumer group: how it joins, and what it does before partitions are taken away."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.errors import KafkaError

from shared.errors import TransientError
from shared.kafka.client import client_options
from shared.kafka.offsets import Offsets
from shared.settings import Settings

__all__ = ["Membership", "close_consumer"]


async def close_consumer(consumer: Any, seconds: float) -> None:
    """Leave the group, and give up doing so in order after so many seconds."""
    with contextlib.suppress(Exception):
        await asyncio.wait_for(consumer.stop(), seconds)


@dataclass(frozen=True, slots=True)
class Membership:
    """The terms on which a client joins a group.

    ``topics`` are names on the broker; ``fetch_wait_ms`` counts on the embedded broker only, which does not wake a
    waiting fetch.
    """

    settings: Settings
    group: str
    topics: Sequence[str]
    fetch_wait_ms: int
    fetch_bytes: int
    from_latest: bool

    def consumer(self, offsets: Offsets) -> Any:
        """A client that is subscribed and has not joined yet."""
        embedded = self.settings.broker == "embedded"
        consumer = AIOKafkaConsumer(
            **client_options(self.settings),
            group_id=f"{self.settings.topic_prefix}{self.group}",
            client_id=f"weiguang-{self.group}",
            enable_auto_commit=False,
            auto_offset_reset="latest" if self.from_latest else "earliest",
            session_timeout_ms=6_000 if embedded else 10_000,
            heartbeat_interval_ms=1_500,
            max_poll_interval_ms=300_000,
            fetch_max_wait_ms=max(self.fetch_wait_ms, self.settings.embedded_fetch_ms) if embedded else 500,
            max_partition_fetch_bytes=self.fetch_bytes,
            request_timeout_ms=15_000,
            metadata_max_age_ms=10_000,
        )
        consumer.subscribe(list(self.topics), listener=_Leaving(offsets, consumer))
        return consumer

    async def join(self, consumer: Any, stop: asyncio.Event) -> bool:
        """Join the group, which takes the broker seconds; False if ``stop`` was set before.

        Raises:
            TransientError: the broker does not answer.
        """
        starting = asyncio.create_task(consumer.start())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                return True
        except (KafkaError, OSError) as error:
            await close_consumer(consumer, 3.0)
            raise TransientError(f"the broker at {self.settings.kafka_bootstrap} does not answer: {error}") from error
        finally:
            starting.cancel()
            stopping.cancel()
            await asyncio.gather(starting, stopping, return_exceptions=True)
        await close_consumer(consumer, 0.5)  # it would wait for the end of the joining
        return False


class _Leaving(ConsumerRebalanceListener):
    """Commits the offsets before partitions are reassigned."""

    def __init__(self, offsets: Offsets, consumer: Any) -> None:
        self.offsets = offsets
        self.consumer = consumer

    async def on_partitions_revoked(self, revoked: object) -> None:
        await self.offsets.leave(self.consumer)

    async def on_partitions_assigned(self, assigned: object) -> None:
        """Nothing is to be done: the broker knows where to go on."""
