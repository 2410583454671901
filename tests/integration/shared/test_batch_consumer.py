"""The batch consumer in a group: partitions come and go, lanes stay apart, nothing is counted as waiting forever."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from shared.errors import TransientError
from shared.kafka.consumer import BatchConsumer, Message
from shared.kafka.topics import topic_name
from shared.settings import Settings
from tests.support.brokers import TestBroker
from tests.support.settings import SettingsFactory
from tests.support.waiting import WAIT_LIMIT, eventually

PARTITIONS = 4
GATHER_SECONDS = 3


class Member:
    """One consumer of the group and what it applied; ``stuck`` are partitions that it cannot apply."""

    def __init__(self, settings: Settings) -> None:
        self.seen: list[tuple[int, int]] = []
        self.stuck: set[int] = set()
        self.met = Counter[int]()
        self.stop = asyncio.Event()
        self.consumer = BatchConsumer(
            settings,
            topics=["badges"],
            group="members",
            handle=self._handle,
            dead_letter=self._aside,
            lanes=2,
            patience=WAIT_LIMIT,
        )

    async def _handle(self, batch: Sequence[Message]) -> None:
        if met := {message.partition for message in batch} & self.stuck:
            self.met.update(met)
            raise TransientError("stuck")
        self.seen += [(message.partition, message.offset) for message in batch]

    async def _aside(self, message: Message, error: Exception) -> None:
        raise AssertionError(f"nothing is poison here: {error}")

    @asynccontextmanager
    async def member(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.consumer.run(self.stop))
        try:
            yield task
        finally:
            self.stop.set()
            await asyncio.gather(asyncio.wait_for(task, WAIT_LIMIT), return_exceptions=True)

    def partitions(self) -> set[int]:
        return {partition for partition, _ in self.seen}


async def tell(settings: Settings, rounds: int, partitions: Sequence[int] = range(PARTITIONS)) -> None:
    """One record on every partition, so many times."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, enable_idempotence=False)
    await producer.start()
    try:
        for _ in range(rounds):
            for partition in partitions:
                await producer.send_and_wait(topic_name(settings, "badges"), b"x", key=b"k", partition=partition)
    finally:
        await producer.stop()


async def test_who_gets_partitions_back_does_not_wait_for_what_others_did(
    settings_for: SettingsFactory, broker: TestBroker
) -> None:
    settings = settings_for("notify")
    first, second = Member(settings), Member(settings)
    async with first.member() as task:
        await tell(settings, 3)
        await eventually(lambda: len(first.seen) == 3 * PARTITIONS)
        async with second.member():
            await eventually(lambda: _shared(settings, first, second))
        # were the other's work counted as waiting, it would be measured for ever, and the watchdog end the first one
        before_that = first.consumer._lag.places
        await eventually(lambda: _nothing_waits(first, before_that), what="all partitions, and nothing that waits")
        assert not task.done()
        before = len(first.seen)
        await eventually(lambda: _served(settings, first, before))


async def _shared(settings: Settings, first: Member, second: Member) -> bool:
    await tell(settings, 1)
    return bool(second.seen)


def _nothing_waits(member: Member, measured: object) -> bool:
    """Whether a later measurement says that the member has all partitions, and that nothing waits in them."""
    places = member.consumer._lag.places
    return places is not measured and len(places) == PARTITIONS and all(done == end for done, end in places.values())


async def _served(settings: Settings, first: Member, before: int) -> bool:
    await tell(settings, 1)
    return {partition for partition, _ in first.seen[before:]} == set(range(PARTITIONS))


async def test_partitions_in_trouble_hold_up_no_others(settings_for: SettingsFactory, broker: TestBroker) -> None:
    settings = settings_for("notify")
    member = Member(settings)
    member.stuck = {0, 1}
    async with member.member():
        await tell(settings, 5)
        await eventually(lambda: len(member.seen) == 10)
        assert member.partitions() == {2, 3}
        member.stuck.clear()
        await eventually(lambda: len(member.seen) == 20)
    assert sorted(member.seen) == sorted(set(member.seen)), "nothing came twice"


async def test_as_many_partitions_in_trouble_as_lanes_hold_up_no_others(
    settings_for: SettingsFactory, broker: TestBroker
) -> None:
    settings = settings_for("notify")
    member = Member(settings)
    member.stuck = {0, 1}
    async with member.member() as task:
        for partition in sorted(member.stuck):
            await tell(settings, 2, [partition])
            await eventually(partial(_met, member, partition))
        await tell(settings, 5, [2, 3])
        await eventually(lambda: len(member.seen) == 10)
        await tell(settings, 1)
        await eventually(lambda: len(member.seen) == 12)
        member.stuck.remove(1)
        await eventually(lambda: len(member.seen) == 15)
        assert [one for one in member.seen if one[0] == 1] == [(1, 0), (1, 1), (1, 2)], "out of order"
        member.stop.set()
        with pytest.raises(TransientError, match="left for the next start"):
            await asyncio.wait_for(task, WAIT_LIMIT)
    assert member.partitions() == {1, 2, 3}


def _met(member: Member, partition: int) -> bool:
    return member.met[partition] > 1


class Gathering(Member):
    """Keeps small batches apart, and remembers their sizes."""

    def __init__(self, settings: Settings, gather_ms: int) -> None:
        super().__init__(settings)
        self.sizes: list[int] = []
        self.reads = 0
        self.consumer = BatchConsumer(
            settings,
            topics=["badges"],
            group="members",
            handle=self._sized,
            dead_letter=self._aside,
            gather_ms=gather_ms,
        )
        self._read, self.consumer._reader.read = self.consumer._reader.read, self._counted  # type: ignore[method-assign]

    async def _counted(self, *args: Any, **more: Any) -> Any:
        self.reads += 1
        return await self._read(*args, **more)

    async def _sized(self, batch: Sequence[Message]) -> None:
        self.sizes.append(len(batch))
        await self._handle(batch)


async def test_a_batch_that_is_gathered_holds_what_came_until_it_was_due(
    settings_for: SettingsFactory, broker: TestBroker
) -> None:
    settings = settings_for("notify")
    member = Gathering(settings, gather_ms=4000)
    async with member.member():
        await tell(settings, 1, [0])
        await eventually(lambda: member.sizes == [1])
        await tell(settings, 5)
        await eventually(lambda: len(member.seen) == 1 + 5 * PARTITIONS)
    assert member.sizes == [1, 5 * PARTITIONS], "the client had fetched the first few, and nothing behind them"


async def test_what_follows_a_pause_is_not_kept_waiting(settings_for: SettingsFactory, broker: TestBroker) -> None:
    settings = settings_for("notify")
    member = Gathering(settings, gather_ms=3_600_000)
    async with member.member() as task:
        await eventually(lambda: member.reads > 1, what="a second look at an empty topic")
        await tell(settings, 1, [0])
        await eventually(lambda: member.sizes == [1])
        task.cancel()  # it would wait for the next batch


async def test_small_batches_come_one_after_the_other_of_all_partitions(
    settings_for: SettingsFactory, broker: TestBroker
) -> None:
    settings = settings_for("notify")
    member = Slow(settings)
    async with member.member():
        await tell(settings, 1)
        await eventually(lambda: member.running == 1)
        await tell(settings, 10)
        member.go_on.set()
        await eventually(lambda: len(member.seen) == 11 * PARTITIONS)
    assert member.most == 1, "two small batches at once"
    assert len(member.sizes) <= 4, f"lanes shared out what one batch could have held: {member.sizes}"


class Slow(Member):
    """Holds its first batch until released, and remembers how many ran at once."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.go_on = asyncio.Event()
        self.running = self.most = 0
        self.sizes: list[int] = []

    async def _handle(self, batch: Sequence[Message]) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        self.sizes.append(len(batch))
        await asyncio.wait_for(self.go_on.wait(), WAIT_LIMIT)
        await super()._handle(batch)
        self.running -= 1


async def test_who_gathers_small_batches_does_not_wait_between_full_ones(
    settings_for: SettingsFactory, broker: TestBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for("notify")
    await tell(settings, 30)
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def pause(seconds: float) -> None:
        if seconds > GATHER_SECONDS / 2 + 0.1:  # those of heartbeats are shorter
            pauses.append(seconds)
        await sleep(min(seconds, 0.05))

    monkeypatch.setattr(asyncio, "sleep", pause)
    seen: list[Message] = []

    async def handle(batch: Sequence[Message]) -> None:
        seen.extend(batch)

    async def aside(message: Message, error: Exception) -> None:
        raise AssertionError(f"nothing is poison here: {error}")

    consumer = BatchConsumer(
        settings,
        topics=["badges"],
        group="gathering",
        handle=handle,
        dead_letter=aside,
        max_records=10,
        gather_ms=GATHER_SECONDS * 1000,
    )
    stop = asyncio.Event()
    task = asyncio.create_task(consumer.run(stop))
    try:
        await eventually(lambda: len(seen) == 30 * PARTITIONS)
    finally:
        stop.set()
        await asyncio.wait_for(task, WAIT_LIMIT)
    assert len(pauses) <= 3, f"twelve full batches waited for each other: {pauses}"
