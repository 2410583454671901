"""The agents pass whatever lies on their topics, in one life of their process."""

from collections.abc import AsyncIterator

import pytest
from aiokafka.client import AIOKafkaClient

from shared.ids import new_id
from shared.kafka.topics import topic_name
from shared.postgres import Database
from tests.support.brokers import TestBroker
from tests.support.damage import DAMAGE
from tests.support.pulse_agents import Agents, agents_on, service
from tests.support.rawlogs import batch, produce_raw, record
from tests.support.settings import SettingsFactory

pytestmark = pytest.mark.broker


@pytest.fixture
async def agents(broker: TestBroker, settings_for: SettingsFactory) -> AsyncIterator[Agents]:
    async with agents_on(settings_for("points")) as running:
        yield running


async def test_agents_go_on_behind_damage_and_the_damage_is_a_letter(agents: Agents, points_db: Database) -> None:
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
        for _ in range(8):
            await agents.send(service(station))
        await agents.minute(9, 0)
        assert agents.process.returncode is None
    finally:
        await client.close()
    letters = await points_db.pool.fetch("select kind from dead_letters where consumer_group = 'points-pulse'")
    assert len(letters) > 0
    assert await agents.stop() == 0
