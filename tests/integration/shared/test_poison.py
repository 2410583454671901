"""Whatever a topic can hold: what follows is applied, nothing is lost without a letter, and the consumer goes on."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient

from shared.errors import PermanentError
from shared.kafka.consumer import BatchConsumer, Message
from shared.kafka.topics import topic_name
from shared.settings import Settings
from shared.telemetry import metrics
from tests.support.brokers import TestBroker, broker_name
from tests.support.damage import DAMAGE, GOOD, R0, R1
from tests.support.rawlogs import CODECS, batch, produce_raw, record
from tests.support.settings import SettingsFactory
from tests.support.waiting import WAIT_LIMIT, eventually
from tests.support.watchdogs import suspect_soon

PARTITIONS = 4


class Eater:
    """A consumer that applies what is good; the rest are letters."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.applied: list[Message] = []
        self.letters: list[tuple[Message, Exception]] = []
        self.stop = asyncio.Event()
        self.consumer = BatchConsumer(
            settings,
            topics=["badges"],
            group="eater",
            handle=self._handle,
            dead_letter=self._letter,
            lanes=2,
        )
        suspect_soon(self.consumer)

    async def _handle(self, messages: Sequence[Message]) -> None:
        if any(not (message.value or b"").startswith(GOOD) for message in messages):
            raise PermanentError("not good")
        self.applied += messages

    async def _letter(self, message: Message, error: Exception) -> None:
        self.letters.append((message, error))

    def values(self) -> list[bytes | None]:
        return [message.value for message in self.applied]


@asynccontextmanager
async def eating(settings: Settings) -> AsyncIterator[Eater]:
    """Run it; at the end it must have been running all the time, and stop when asked to."""
    eater = Eater(settings)
    task = asyncio.create_task(eater.consumer.run(eater.stop))
    try:
        yield eater
        assert not task.done(), "the consumer ended"
    finally:
        eater.stop.set()
        await asyncio.wait_for(task, WAIT_LIMIT)


@pytest.fixture
async def client(settings_for: SettingsFactory, broker: TestBroker) -> AsyncIterator[AIOKafkaClient]:
    found = AIOKafkaClient(bootstrap_servers=settings_for("notify").kafka_bootstrap)
    await found.bootstrap()
    yield found
    await found.close()


async def put(client: AIOKafkaClient, settings: Settings, data: bytes, partition: int = 0) -> bool:
    """Whether the broker takes the bytes."""
    return await produce_raw(client, topic_name(settings, "badges"), partition, data) is None


async def test_what_follows_damage_is_applied_and_the_damage_is_a_letter(
    settings_for: SettingsFactory, client: AIOKafkaClient
) -> None:
    settings = settings_for("notify")
    async with eating(settings) as eater:
        for number, (said, (damage, good, letters)) in enumerate(DAMAGE.items()):
            partition, after = number % PARTITIONS, f"good after {said}".encode()
            read, dead = eater.values().count(GOOD), len(eater.letters)
            taken = await put(client, settings, damage, partition)
            assert await put(client, settings, batch([record(0, b"k", after)]), partition)
            await eventually(partial(_applied, eater, after), what=said)
            assert good is None or eater.values().count(GOOD) - read == good * taken, said
            assert len(eater.letters) - dead >= letters * taken, said
    for message, error in eater.letters:
        assert message.unreadable_to is None or f"{message.offset} to {message.unreadable_to}" in str(error)
    places = [(message.partition, message.offset) for message in eater.applied]
    assert len(places) == len(set(places)), "something was applied twice"


def _applied(eater: Eater, value: bytes) -> bool:
    return value in eater.values()


async def test_damage_before_the_first_start_is_passed_and_not_met_again(
    settings_for: SettingsFactory, client: AIOKafkaClient
) -> None:
    settings = settings_for("notify")
    for partition in range(PARTITIONS):
        await put(client, settings, batch([R0, R1], wrong_crc=True), partition)
        await put(client, settings, batch([record(0, b"k", b"good")]), partition)
    async with eating(settings) as eater:
        await eventually(lambda: len(eater.applied) == PARTITIONS)
        met = len(eater.letters)
    async with eating(settings) as eater:
        await put(client, settings, batch([record(0, b"k", b"good later")]))
        await eventually(lambda: eater.applied)
    assert (eater.values(), eater.letters) == ([b"good later"], [])
    assert met in (0, PARTITIONS), "one letter for each range"


@pytest.mark.parametrize("codec", sorted(CODECS))
async def test_every_codec_of_kafka_is_read(codec: int, settings_for: SettingsFactory, client: AIOKafkaClient) -> None:
    settings = settings_for("notify")
    names: Any = {0: None, 1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"}
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap,
        enable_idempotence=False,
        compression_type=names[codec],
        linger_ms=20,
    )
    async with producer, eating(settings) as eater:
        sent = [await producer.send(topic_name(settings, "badges"), GOOD * 200, partition=0) for _ in range(20)]
        await asyncio.gather(*sent)
        await eventually(lambda: len(eater.applied) == 20)
    assert eater.letters == []


@pytest.mark.skipif(broker_name() != "kafka", reason="the embedded broker has no transactions")
async def test_markers_of_transactions_are_passed_and_wait_for_nothing(
    settings_for: SettingsFactory, client: AIOKafkaClient
) -> None:
    settings = settings_for("notify")
    topic = topic_name(settings, "badges")
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, transactional_id=topic)
    async with producer, eating(settings) as eater:
        for value in (b"good aborted", b"good committed"):
            await producer.begin_transaction()
            await producer.send_and_wait(topic, value, partition=0)
            await (producer.abort_transaction() if value.endswith(b"aborted") else producer.commit_transaction())
        await eventually(lambda: b"good committed" in eater.values())
        lag = metrics.CONSUMER_LAG.labels("eater", topic, "0")
        lag.set(-1)  # until the consumer has looked
        await eventually(lambda: lag._value.get() == 0, what="the marker at the end waits")
        assert await put(client, settings, batch([record(0, b"k", b"good after")]))
        await eventually(lambda: b"good after" in eater.values())
    assert eater.letters == []
