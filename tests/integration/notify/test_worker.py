"""notify's processes as they run: events in, messages and e-mails out, and a quick stop."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from dev.stack.forking import spawn
from dev.stack.processes import ChildProcess, free_port
from services.notify.settings import NotifySettings
from shared.cloudevents import decode, encode
from shared.contracts import MessageDelivered, PointsPosted
from shared.ids import new_id
from shared.kafka.topics import topic_name
from shared.outbox import event
from shared.postgres import Database
from tests.support.brokers import TestBroker
from tests.support.settings import SettingsFactory
from tests.support.waiting import WAIT_LIMIT, eventually

pytestmark = pytest.mark.broker


@asynccontextmanager
async def role(name: str, settings: NotifySettings) -> AsyncIterator[ChildProcess]:
    environment = dict(os.environ)
    for field, value in settings.model_dump(mode="json", exclude_none=True).items():
        environment[f"WEIGUANG_{field.upper()}"] = value if isinstance(value, str) else json.dumps(value)
    environment["WEIGUANG_AUTH_SIGNING_KEY"] = settings.auth_signing_key.get_secret_value()
    process = await spawn([sys.executable, "-m", "services.notify", name], env=environment)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def get(url: str) -> tuple[int, Any]:
    async with ClientSession() as session:
        try:
            async with session.get(url) as response:
                return response.status, await response.text()
        except OSError:
            return 0, ""


async def test_from_the_topic_to_the_inbox_and_on_to_the_next_topic(
    broker: TestBroker, settings_for: SettingsFactory, notify_db: Database
) -> None:
    port = free_port()
    worker_settings = settings_for("notify", ops_port=port)
    zhang = new_id()
    posted = PointsPosted(
        posting_id=new_id(),
        volunteer_id=zhang,
        reason="award",
        amount=10,
        available=10,
        held=0,
        debt=0,
        posted_at=datetime(2026, 3, 4, tzinfo=UTC),
    )
    headers, value = encode(event(posted, source="test", aggregate_version=1, correlation_id="c-1"))
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, enable_idempotence=False)
    heard = AIOKafkaConsumer(
        topic_name(worker_settings, "notifications"),
        bootstrap_servers=broker.bootstrap,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=20,
    )
    await producer.start()
    await heard.start()
    try:
        async with role("worker", worker_settings) as worker, role("relay", settings_for("notify")) as relay:
            topic = topic_name(worker_settings, "points")
            await producer.send_and_wait(topic, b"{broken", key=b"k", headers=headers)
            await producer.send_and_wait(topic, value, key=str(zhang).encode(), headers=headers)
            await producer.send_and_wait(topic, value, key=str(zhang).encode(), headers=headers)
            record = await asyncio.wait_for(heard.getone(), WAIT_LIMIT)
            told = decode(record.headers, record.value)
            assert isinstance(told.data, MessageDelivered)
            assert (told.data.volunteer_id, told.data.channel, told.data.status) == (zhang, "inbox", "sent")
            assert told.correlation_id == "c-1"
            assert (await get(f"http://127.0.0.1:{port}/healthz"))[0] == 200
            assert (await get(f"http://127.0.0.1:{port}/readyz"))[0] == 200
            status, text = await get(f"http://127.0.0.1:{port}/metrics")
            assert status == 200
            assert "weiguang_dead_letters_total" in text

            async def put_aside() -> int:
                count: int = await notify_db.pool.fetchval("select count(*) from dead_letters")
                return count

            assert await eventually(put_aside) == 1
            assert await notify_db.pool.fetchval("select count(*) from messages") == 1
            for process in (worker, relay):
                process.terminate()
            codes = [await asyncio.wait_for(process.wait(), WAIT_LIMIT) for process in (worker, relay)]
            assert codes == [0, 0]
    finally:
        await heard.stop()
        await producer.stop()
