"""A running consumer under its operators: paused through restarts, set back, its dead letters replayed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer

from services.notify.inbox.stream import GROUP, TOPICS
from shared.cloudevents import encode
from shared.ids import new_id
from shared.kafka.consumer import BatchConsumer, Message
from shared.kafka.topics import topic_name
from shared.operators.control import DatabaseControl
from shared.outbox import event
from shared.postgres import Database
from shared.settings import Settings
from tests.support.brokers import TestBroker
from tests.support.operating import Desk, Inbox, desk_of, points_posted
from tests.support.settings import SettingsFactory
from tests.support.waiting import WAIT_LIMIT, eventually


class Worker:
    """notify's consumer under its control, and the offsets that it applied."""

    def __init__(self, settings: Settings, inbox: Inbox, *, patience: float = 30.0) -> None:
        self.seen: list[tuple[int, int]] = []
        self._inbox = inbox
        self.consumer = BatchConsumer(
            settings,
            topics=TOPICS,
            group=GROUP,
            handle=self._handle,
            dead_letter=inbox.dead_letter,
            patience=patience,
            control=DatabaseControl(inbox.db, GROUP),
        )

    async def _handle(self, batch: Sequence[Message]) -> None:
        await self._inbox.handle(batch)
        self.seen += [(message.partition, message.offset) for message in batch]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        stop = asyncio.Event()
        task = asyncio.create_task(self.consumer.run(stop))
        try:
            yield task
        finally:
            stop.set()
            await asyncio.wait_for(task, WAIT_LIMIT)


async def publish(settings: Settings, count: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, enable_idempotence=False)
    await producer.start()
    try:
        for number in range(count):
            headers, value = encode(event(points_posted(new_id()), source="test", aggregate_version=1))
            topic = topic_name(settings, "points")
            await producer.send_and_wait(topic, value, key=b"k", headers=headers, partition=number % 4)
    finally:
        await producer.stop()


@pytest.fixture
async def inbox(notify_db: Database) -> Inbox:
    found = await Inbox.of(notify_db)
    found.mended = True
    return found


@pytest.fixture
async def settings(settings_for: SettingsFactory, broker: TestBroker) -> Settings:
    found: Settings = settings_for("notify")
    return found


@pytest.fixture
async def desk(settings_for: SettingsFactory, settings: Settings, notify_db: Database) -> AsyncIterator[Desk]:
    async with desk_of(settings_for) as found:
        yield found


async def consumer_of(desk: Desk) -> dict[str, object]:
    (found,) = (await desk.get("consumers"))["items"]
    return dict(found)


async def test_a_pause_holds_through_a_restart_and_the_watchdog_ends_no_paused_worker(
    settings: Settings, desk: Desk, inbox: Inbox
) -> None:
    paused = await desk.post(f"consumers/{GROUP}/pause")
    assert (paused.status_code, paused.json()["paused_until"] is not None) == (200, True)
    worker = Worker(settings, inbox, patience=0.5)
    async with worker.running() as task:
        await publish(settings, 4)
        # It reports that records wait, several checks of the watchdog in a row, with a patience far below one.
        await eventually(lambda: _lag(desk, 4))
        reports = await inbox.db.pool.fetchval("select seen_at from consumer_members")
        await eventually(lambda: _reported_after(inbox, reports))
        state = await consumer_of(desk)
        assert (state["running"], state["controlled"], bool(state["paused"])) == (True, True, True)
        assert not task.done()
    assert worker.seen == []
    again = Worker(settings, inbox)
    async with again.running():
        await eventually(lambda: _lag(desk, 4))
        assert again.seen == [], "a new process knows of the pause before it reads"
        assert (await desk.post(f"consumers/{GROUP}/resume")).status_code == 200
        await eventually(lambda: len(again.seen) == 4)
        await eventually(lambda: _lag(desk, 0))
        assert (await consumer_of(desk))["last_progress_at"] is not None
    assert (await desk.post(f"consumers/{GROUP}/resume")).status_code == 409


async def _lag(desk: Desk, lag: int) -> bool:
    state = await consumer_of(desk)
    return bool(state["running"] and state["partitions"] and state["lag"] == lag)


async def _reported_after(inbox: Inbox, moment: object) -> bool:
    ahead = "select count(*) from consumer_members where paused and seen_at > $1::timestamptz + interval '5 seconds'"
    return bool(await inbox.db.pool.fetchval(ahead, moment))


async def test_a_pause_lapses_by_itself(settings: Settings, desk: Desk, inbox: Inbox) -> None:
    await desk.post(f"consumers/{GROUP}/pause")
    worker = Worker(settings, inbox)
    async with worker.running():
        await publish(settings, 1)
        await eventually(lambda: _lag(desk, 1))
        await inbox.db.pool.execute("update consumer_pauses set paused_until = clock_timestamp()")
        await eventually(lambda: len(worker.seen) == 1)
        assert (await consumer_of(desk))["paused"] is None


async def test_a_reset_reads_again_and_changes_nothing(settings: Settings, desk: Desk, inbox: Inbox) -> None:
    worker = Worker(settings, inbox)
    async with worker.running():
        await publish(settings, 8)
        await eventually(lambda: len(worker.seen) == 8)
        await eventually(lambda: _positions(desk, 8))
        dry = (await desk.post(f"consumers/{GROUP}/reset", beginning=True, dry_run=True)).json()
        assert (dry["records"], {(one["from_offset"], one["to_offset"]) for one in dry["partitions"]}) == (8, {(2, 0)})
        await asyncio.sleep(0)
        assert len(worker.seen) == 8, "a dry run reads nothing"
        one = (await desk.post(f"consumers/{GROUP}/reset", offset=1, topic="points", partition=2)).json()
        assert one["records"] == 1
        await eventually(lambda: len(worker.seen) == 9)
        assert worker.seen[-1] == (2, 1)
        assert (await desk.post(f"consumers/{GROUP}/reset", beginning=True)).status_code == 202
        await eventually(lambda: len(worker.seen) == 17)
        await eventually(lambda: _waits_for_no_reset(desk))
        assert await inbox.messages() == 8
    async with (again := Worker(settings, inbox)).running():
        await eventually(lambda: _positions(desk, 8))
        assert again.seen == [], "where it went on is committed"


async def _positions(desk: Desk, total: int) -> bool:
    places = (await desk.get("consumers"))["items"][0]["partitions"]
    return bool(sum(one["position"] for one in places) == total)


async def _waits_for_no_reset(desk: Desk) -> bool:
    return (await consumer_of(desk))["resets_waiting"] == 0


async def test_resets_never_go_forwards_and_say_so(settings: Settings, desk: Desk, inbox: Inbox) -> None:
    path = f"consumers/{GROUP}/reset"
    assert (await desk.post(path, beginning=True)).json()["type"].endswith("positions-unknown")
    worker = Worker(settings, inbox)
    async with worker.running():
        await publish(settings, 4)
        await eventually(lambda: _positions(desk, 4))
        for body, status, slug in (
            ({"offset": 99, "topic": "points", "partition": 0}, 409, "nothing-to-reset"),
            ({"since": "2100-01-01T00:00:00+08:00"}, 422, "time-ahead"),
            ({"beginning": True, "topic": "attendance"}, 422, "topic-not-read"),
            ({"offset": 0}, 422, None),
            ({"offset": -1, "topic": "points", "partition": 0}, 422, None),
            ({"beginning": True, "since": "2026-01-01T00:00:00Z"}, 422, None),
            ({}, 422, None),
        ):
            answer = await desk.post(path, **body)
            assert answer.status_code == status, (body, answer.text)
            assert slug is None or answer.json()["type"].endswith(slug)
        since = await desk.post(path, since="2026-01-01T00:00:00+08:00", dry_run=True)
        assert since.json()["records"] == 4
    assert (await desk.post("consumers/points-ingest/reset", beginning=True)).status_code == 404


async def test_a_poisoned_record_of_the_topic_is_replayed_once_its_cause_is_gone(
    settings: Settings, desk: Desk, inbox: Inbox
) -> None:
    inbox.mended = False
    worker = Worker(settings, inbox)
    async with worker.running():
        await publish(settings, 3)
        groups = await eventually(lambda: _groups(desk, 3))
        assert groups[0]["replayable"]
        inbox.mended = True
        started = (await desk.post("dead-letters/replay", group_id=groups[0]["group_id"])).json()
        await eventually(lambda: _done(desk, started["replay_id"]))
        assert await inbox.messages() == 3
        await publish(settings, 1)
        await eventually(lambda: len(worker.seen) >= 4)
    assert await inbox.messages() == 4


async def _groups(desk: Desk, records: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = (await desk.get("dead-letters/groups"))["items"]
    return found if sum(int(str(one["records"])) for one in found) == records else []


async def _done(desk: Desk, replay_id: str) -> bool:
    return bool((await desk.get(f"dead-letters/replays/{replay_id}"))["state"] == "done")
