"""Kafka in: the newest ticks of the pulse, without a group, from now on."""

import asyncio
import json
from collections.abc import Callable

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from shared.kafka.client import client_options
from shared.kafka.topics import topic_name
from shared.settings import Settings
from shared.waiting import wait_for_event

__all__ = ["Tail", "tick_of"]

RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)
POSITION_SECONDS = 10.0
"""How long the broker may take to say where a partition ends."""
TICK_LIMIT = 64 * 1024
"""Bytes of a tick that is passed on to browsers; a larger one is not a tick."""

_log = structlog.get_logger(__name__)


def tick_of(value: bytes | None) -> bytes | None:
    """The value of a record as JSON on one line, or None if it is no tick: browsers get nothing that is not JSON."""
    if value is None or len(value) > TICK_LIMIT:
        return None
    try:
        tick = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return json.dumps(tick, ensure_ascii=False).encode() if isinstance(tick, dict) else None


class Tail:
    """Reads the pulse for as long as it runs; a broker that is away is asked again and again."""

    def __init__(self, settings: Settings, publish: Callable[[bytes], None]) -> None:
        self._settings = settings
        self._connection = client_options(settings)
        self._publish = publish
        self.connected = False

    async def run(self, stop: asyncio.Event) -> None:
        """Tail the topic until ``stop`` is set."""
        failures = 0
        while not stop.is_set():
            try:
                await self._read(stop)
                failures = 0
            except (TimeoutError, KafkaError, OSError) as error:
                wait = RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
                failures = 0 if self.connected else failures + 1
                _log.warning("pulse.unavailable", error=repr(error), retry_in=wait)
                await wait_for_event(stop, wait)
            finally:
                self.connected = False

    async def _read(self, stop: asyncio.Event) -> None:
        topic = topic_name(self._settings, "pulse")
        consumer = AIOKafkaConsumer(
            **self._connection,
            client_id="weiguang-web",
            enable_auto_commit=False,
            fetch_max_wait_ms=200,
            auto_offset_reset="latest",
            request_timeout_ms=10_000,
        )
        try:
            await consumer.start()
            # aiokafka's own tasks must have begun before they can be stopped
            await asyncio.sleep(0)
            if not await self._subscribed(consumer, topic, stop):
                return
            self.connected = True
            while not stop.is_set():
                batches = await consumer.getmany(timeout_ms=500)
                records = [record for batch in batches.values() for record in batch]
                # each tick carries whole figures: after a pause only the newest is of interest
                newest_first = sorted(records, key=lambda record: record.timestamp, reverse=True)
                tick = next((tick for record in newest_first if (tick := tick_of(record.value))), None)
                if tick is not None:
                    self._publish(tick)
        finally:
            await consumer.stop()

    async def _subscribed(self, consumer: AIOKafkaConsumer, topic: str, stop: asyncio.Event) -> bool:
        """Stand at the end of all partitions; waits for a topic that is not there yet, as asking must not create it."""
        while topic not in await consumer.topics():
            if await wait_for_event(stop, RETRY_SECONDS[1]):
                return False
        consumer.subscribe([topic])
        while not consumer.assignment():
            if await wait_for_event(stop, 0.05):
                return False
        async with asyncio.timeout(POSITION_SECONDS):
            for partition in consumer.assignment():
                await consumer.position(partition)
        return True
