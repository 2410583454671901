"""The tail of the pulse on a real broker: newest ticks to everybody, and no fuss while the broker is away."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer

from services.web.pulse.tail import Tail
from services.web.settings import WebSettings
from shared.kafka.topics import topic_name
from tests.support.brokers import TestBroker
from tests.support.settings import SettingsFactory
from tests.support.waiting import WAIT_LIMIT, eventually

pytestmark = pytest.mark.broker


@asynccontextmanager
async def tailing(settings: WebSettings) -> AsyncIterator[tuple[Tail, list[bytes]]]:
    ticks: list[bytes] = []
    stop, tail = asyncio.Event(), Tail(settings, ticks.append)
    task = asyncio.create_task(tail.run(stop))
    try:
        yield tail, ticks
    finally:
        stop.set()
        await asyncio.wait_for(task, WAIT_LIMIT)


@asynccontextmanager
async def producing(settings: WebSettings) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, enable_idempotence=False)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def test_it_passes_on_what_comes_from_now_on_and_only_ticks(
    broker: TestBroker, settings_for: SettingsFactory
) -> None:
    settings: WebSettings = settings_for("web")
    topic = topic_name(settings, "pulse")
    async with producing(settings) as producer:
        await producer.send_and_wait(topic, b'{"records_per_minute": 1}')
        async with tailing(settings) as (tail, ticks):
            await eventually(lambda: tail.connected, what="the tail")
            for value in (b"{", b"[1]", b'{"records_per_minute": 2}'):
                await producer.send_and_wait(topic, value)
            await eventually(lambda: ticks, what="a tick")
            # what was said before the tail began is old news, and what is no tick is nobody's
            assert [json.loads(tick) for tick in ticks] == [{"records_per_minute": 2}]


async def test_every_process_gets_every_tick(broker: TestBroker, settings_for: SettingsFactory) -> None:
    settings: WebSettings = settings_for("web")
    async with tailing(settings) as (one, ticks), tailing(settings) as (other, others), producing(settings) as producer:
        await eventually(lambda: one.connected and other.connected, what="both tails")
        await producer.send_and_wait(topic_name(settings, "pulse"), b'{"records_per_minute": 3}')
        await eventually(lambda: ticks and others, what="a tick for each")
        assert ticks == others


async def test_a_broker_that_is_away_stops_nothing() -> None:
    settings = WebSettings(environment="test", kafka_bootstrap="127.0.0.1:9")
    stop = asyncio.Event()
    tail = Tail(settings, lambda _: None)
    task = asyncio.create_task(tail.run(stop))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(task), 0.8)
    assert not task.done()
    assert not tail.connected
    stop.set()
    await asyncio.wait_for(task, WAIT_LIMIT)
