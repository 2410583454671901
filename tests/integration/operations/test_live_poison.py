"""The agents pass whatever lies on their topics; what no client can read costs them a life, and never a second one."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka.client import AIOKafkaClient

from shared.ids import new_id
from shared.kafka.topics import topic_name
from shared.postgres import Database
from tests.support.brokers import TestBroker
from tests.support.damage import DAMAGE
from tests.support.live_agents import Agents, agents_on, service
from tests.support.rawlogs import batch, produce_raw, record
from tests.support.settings import SettingsFactory
from tests.support.waiting import WAIT_LIMIT, eventually

pytestmark = pytest.mark.broker


@pytest.fixture
async def agents(broker: TestBroker, operations_db: Database, settings_for: SettingsFactory) -> AsyncIterator[Agents]:
    async with agents_on(settings_for("operations")) as running:
        yield running


async def test_agents_go_on_behind_damage(agents: Agents) -> None:
    settings, station = agents.settings, new_id()
    client = AIOKafkaClient(bootstrap_servers=settings.kafka_bootstrap)
    await client.bootstrap()
    await agents.start()
    assert agents.process is not None
    try:
        await agents.send(service(station))
        await agents.minute(1, 0)
        for damage, _, _ in DAMAGE.values():
            for partition in range(settings.topic_partitions):
                await produce_raw(client, topic_name(settings, "attendance"), partition, damage)
        for partition in range(settings.topic_partitions):
            headers = batch([record(0, None, None, [(b"ce_id", None)])])
            assert await produce_raw(client, topic_name(settings, "attendance"), partition, headers) is None
        assert await asyncio.wait_for(agents.process.wait(), WAIT_LIMIT) != 0
    finally:
        await client.close()
    while await agents.tick():
        pass
    await agents.start()
    for _ in range(8):
        await agents.send(service(station))

    async def counted() -> bool:
        tick = await agents.tick()
        return tick is not None and tick.records_per_minute >= 8

    await eventually(counted)
    assert agents.process.returncode is None
    assert await agents.stop() == 0
