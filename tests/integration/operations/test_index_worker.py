"""The worker of the index on a real broker: nothing missing and nothing twice, whatever is killed."""

import asyncio
import random
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from dev.stack.broker import make_broker
from services.operations.events.stream import TOPICS
from shared import outbox
from shared.cloudevents import encode
from shared.ids import new_id
from shared.kafka.topics import ensure_topics, topic_name
from shared.outbox.relay import Relay
from shared.postgres import Database
from tests.integration.operations.indexing import held, posted, signup
from tests.support.brokers import TestBroker, broker_name
from tests.support.databases import ROOT
from tests.support.roles import role
from tests.support.settings import SettingsFactory
from tests.support.waiting import eventually

pytestmark = pytest.mark.broker


async def _indexed(db: Database) -> Counter[str]:
    rows = await db.pool.fetch("select event_id from events")
    return Counter(str(row["event_id"]) for row in rows)


@asynccontextmanager
async def producing(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=False)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def test_every_event_of_every_topic_is_in_the_index_once_although_the_worker_is_killed(
    broker: TestBroker, settings_for: SettingsFactory, operations_db: Database
) -> None:
    settings = settings_for("operations", index_batch=25, index_gather_ms=0)
    chance = random.Random(7)
    sent: set[str] = set()

    async def publish(producer: Any, entity: str, data: Any) -> None:
        made = outbox.event(data, source="test", aggregate_version=1)
        headers, value = encode(made)
        await producer.send_and_wait(topic_name(settings, entity), value, key=made.subject.encode(), headers=headers)
        sent.add(str(made.id))

    async with producing(broker.bootstrap) as producer:
        for entity in TOPICS:  # whatever lies there, a topic that is not read would be missing
            await producer.send_and_wait(topic_name(settings, entity), f"{entity} is no JSON".encode(), key=b"k")
        for _ in range(4):
            async with role(settings, "worker") as worker:
                before = len(sent)
                for _ in range(60):
                    data = chance.choice((posted(), signup(new_id()), held(new_id())))
                    await publish(producer, data.topic, data)

                async def moves(before: int = before) -> bool:
                    return len(await _indexed(operations_db)) > before + chance.randrange(40)

                await eventually(moves)
                worker.kill()
        async with role(settings, "worker"):
            expected = len(sent) + len(TOPICS)

            async def complete() -> bool:
                return len(await _indexed(operations_db)) >= expected

            await eventually(complete)
    found = await _indexed(operations_db)
    assert set(found.values()) == {1}
    assert sent <= found.keys()
    assert len(found) == expected
    topics = await operations_db.pool.fetch("select topic, count(*) as n from events where kind = 'foreign' group by 1")
    assert {row["topic"]: row["n"] for row in topics} == dict.fromkeys(TOPICS, 1)
    assert await operations_db.pool.fetchval("select count(*) from occurrences") == 0


@pytest.mark.skipif(broker_name() != "embedded", reason="Apache Kafka keeps its log")
async def test_a_broker_that_lost_its_log_adds_occurrences_and_no_rows(
    settings_for: SettingsFactory, notify_db: Database, operations_db: Database
) -> None:
    var = ROOT / "var" / "tests" / f"rebirth-{new_id().hex}"
    server = make_broker("embedded", var, partitions=2)
    try:
        for life in (1, 2, 3):
            await server.start(topic_prefix="unused.")
            settings_for.broker = TestBroker(server.name, server.bootstrap, server.incarnation, "")
            await ensure_topics(settings_for("notify"))
            async with notify_db.transaction() as tx:
                made = [outbox.event(posted(), source="test", aggregate_version=1) for _ in range(30)]
                await outbox.append(tx, *made)
            stop = asyncio.Event()
            relaying = asyncio.create_task(Relay(notify_db, settings_for("notify")).run(stop))
            async with role(settings_for("operations"), "worker"):

                async def complete(life: int = life) -> bool:
                    places = await operations_db.pool.fetchval("select count(*) from occurrences")
                    return (len(await _indexed(operations_db)), places) == (life * 30, 30 * life * (life - 1) // 2)

                await eventually(complete)
            stop.set()
            await relaying
            await server.stop()
    finally:
        await server.stop()
        shutil.rmtree(var, ignore_errors=True)
    ids = await notify_db.pool.fetch("select event_id from outbox")
    assert await _indexed(operations_db) == Counter(str(row["event_id"]) for row in ids)
