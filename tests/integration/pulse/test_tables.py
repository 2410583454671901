"""Tables of agents: what a commit acknowledges can be restored, whatever happens to the worker afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaTimeoutError

from services.points.tables import TablesApp
from tests.support.faust_lab import Lab, lab, records
from tests.support.waiting import eventually

__all__ = ["lab"]

pytestmark = pytest.mark.broker


@dataclass
class Worker:
    """A worker that remembers the last record of each key (``n % 7``), and no key that 5 divides in between."""

    lab: Lab
    app: Any
    table: Any

    @classmethod
    def of(cls, lab: Lab, **settings: Any) -> "Worker":
        app = lab.app(TablesApp, last_alone=lab.embedded, **settings)
        return cls(lab, app, app.Table("last", partitions=1, pack=lambda n: [n], unpack=lambda stored: stored[0]))

    async def body(self, stream: Any) -> None:
        async for event in stream.events():
            number = int(event.value)
            self.table[f"k{number % 7}"] = number
            if number % 5 == 0:
                del self.table[f"k{number % 7}"]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.lab.running(self.app, self.body):
            yield

    async def restored(self) -> None:
        await eventually(lambda: self.app.tables.recovery.completed.is_set(), within=60)


def expected(count: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for number in range(count):
        found[f"k{number % 7}"] = number
        if number % 5 == 0:
            del found[f"k{number % 7}"]
    return found


async def changes(lab: Lab) -> int:
    """How many records the changelog holds."""
    topic = f"{lab.group}-last-changelog"
    consumer = AIOKafkaConsumer(bootstrap_servers=lab.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        found = 0
        while batch := await consumer.getmany(timeout_ms=1000):
            found += sum(map(len, batch.values()))
        return found
    finally:
        await consumer.stop()


async def test_what_is_committed_is_restored_whole_and_each_key_was_sent_once_per_commit(lab: Lab) -> None:
    first = Worker.of(lab)
    async with first.running():
        for begin, end in ((0, 400), (400, 431)):
            await lab.send(*records(end)[begin:])
            await eventually(partial(_committed, lab, end), within=60)
        assert not any(first.table.marked.values()), "nothing is left to the stop"
        told = await changes(lab)
    assert told <= 431, "faust itself sends 431, and a tombstone for each fifth"
    second = Worker.of(lab)
    async with second.running():
        await second.restored()
        assert dict(second.table.items()) == expected(431)
        await lab.send(b"431", b"432")
        await eventually(lambda: second.table.get("k5") == 432, within=60)
    third = Worker.of(lab)
    async with third.running():
        await third.restored()
        assert dict(third.table.items()) == expected(433)


async def test_a_stop_writes_what_it_commits(lab: Lab) -> None:
    first = Worker.of(lab, broker_commit_interval=60.0)
    async with first.running():
        await lab.send(*records(50))
        await eventually(lambda: first.table.get("k0") == 49, within=60)
    assert await lab.next_offset() == 50
    second = Worker.of(lab)
    async with second.running():
        await second.restored()
        assert dict(second.table.items()) == expected(50)


async def test_changes_that_the_broker_does_not_take_end_the_worker_and_acknowledge_nothing(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Worker.of(lab)

    async def refused(topic: str, changes: Any) -> None:
        raise KafkaTimeoutError()

    monkeypatch.setattr(first.app.changes, "_send", refused)
    async with first.running():
        await lab.send(*records(20))
        await eventually(lambda: first.app.crashed, within=60)
    assert await lab.next_offset() == 0
    second = Worker.of(lab)
    async with second.running():
        await eventually(lambda: _committed(lab, 20), within=60)
        assert dict(second.table.items()) == expected(20)


async def test_what_was_done_and_not_committed_when_it_died_is_done_again(lab: Lab) -> None:
    first = Worker.of(lab, broker_commit_interval=60.0)
    async with first.running():
        await lab.send(*records(20))
        await eventually(lambda: first.table.get("k5") == 19, within=60)
        await first.app.consumer.commit()
        await lab.send(*records(40)[20:])
        await eventually(lambda: first.table.get("k4") == 39, within=60)
        # No stop, which would write: the second one begins where a kill would have left it.
        second = Worker.of(lab, broker_commit_interval=60.0)
        async with second.running():
            await eventually(lambda: second.table.get("k4") == 39, within=60)
            assert dict(second.table.items()) == expected(40)
    assert first.app.rebalancing_count == second.app.rebalancing_count == 1, "no group, no rebalance"


async def test_records_that_wait_while_tables_are_restored_are_not_dropped(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Worker.of(lab)
    async with first.running():
        await lab.send(*records(20))
        await eventually(lambda: _committed(lab, 20), within=60)
    await lab.send(*records(40)[20:])
    second = Worker.of(lab)
    go_back = second.app.consumer.perform_seek

    async def slowly() -> None:
        await go_back()
        await asyncio.sleep(2.5)  # faust looks for records each second; and after this it empties its queues

    monkeypatch.setattr(second.app.consumer, "perform_seek", slowly)
    seen: list[bytes] = []

    async def body(stream: Any) -> None:
        async for event in stream.events():
            seen.append(event.value)

    async with lab.running(second.app, body):
        await eventually(lambda: b"39" in seen, within=60)
    assert seen == records(40)[20:]


async def test_topics_that_come_later_are_waited_for(lab: Lab) -> None:
    lab.topic += "-later"  # the embedded broker makes it when somebody asks for it
    worker = Worker.of(lab)

    async def make() -> None:
        await eventually(lambda: worker.app.tables.recovery.started, within=60)
        client = AIOKafkaAdminClient(bootstrap_servers=lab.bootstrap)
        await client.start()
        await client.create_topics([NewTopic(lab.topic, 1, 1)])
        await client.close()

    making = asyncio.create_task(make())
    async with worker.running():  # begins when all is restored
        await making
        await lab.send(*records(3))
        await eventually(lambda: worker.table.get("k2") == 2, within=60)


async def _committed(lab: Lab, offset: int) -> bool:
    return await lab.next_offset() == offset
