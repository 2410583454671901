"""The processes beside the ingest against drawn logs: every record is acknowledged, in one life of the process."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from hypothesis import given

from dev.stack.processes import ChildProcess
from shared.kafka.topics import topic_name
from tests.support.brokers import TestBroker
from tests.support.points_workers import running
from tests.support.poison import Log, fuzzing, log_of, poisoned, service
from tests.support.settings import SettingsFactory
from tests.support.waiting import eventually

pytestmark = pytest.mark.broker

GROUPS = {"teams": "points-teams"}


@dataclass
class Process:
    """A process of agents, the log of attendance, and how far its group has come in it."""

    process: ChildProcess
    log: Log
    admin: AIOKafkaAdminClient
    group: str

    async def committed(self) -> int:
        assert self.process.returncode is None, "the process ended"
        place: TopicPartition = self.log.place
        try:
            found = await self.admin.list_consumer_group_offsets(self.group, partitions=[place])
        except GroupCoordinatorNotAvailableError:  # the group is not known yet
            return 0
        return int(found[place].offset)

    async def caught_up(self) -> bool:
        return await self.committed() >= self.log.end


@pytest.fixture(params=sorted(GROUPS))
async def agents(
    request: pytest.FixtureRequest, broker: TestBroker, settings_for: SettingsFactory
) -> AsyncIterator[Process]:
    settings = settings_for("points")
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    await admin.start()
    group = f"{settings.topic_prefix}{GROUPS[request.param]}"
    async with (
        log_of(settings.kafka_bootstrap, topic_name(settings, "attendance")) as log,
        running(settings, request.param) as process,
    ):
        yield Process(process, log, admin, group)
        assert process.returncode is None, "the process ended"
    await admin.close()


@fuzzing(3)
@given(poisoned(service))
async def test_agents_acknowledge_whatever_attendance_holds(agents: Process, log: list[bytes]) -> None:
    await agents.log.put(log, service())
    await eventually(agents.caught_up, every=0.2, what="the end of the log")
