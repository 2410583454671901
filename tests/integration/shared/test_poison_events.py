"""Each consumer against drawn logs: every record is applied or a dead letter, what follows is applied, nothing ends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from hypothesis import given

from services.notify.inbox.stream import InboxStream
from services.notify.templates.handlers import load_catalogue
from services.points.ingest.stream import IngestStream
from services.points.policy import policy_of
from services.points.teams import handlers as teams
from services.points.teams.stream import TeamStream
from shared.kafka.consumer import BatchConsumer, Message
from shared.kafka.topics import topic_name
from shared.postgres import Database
from shared.settings import Settings
from tests.support.brokers import TestBroker
from tests.support.poison import Log, Plain, fuzzing, log_of, of_team, poisoned, service, signup
from tests.support.settings import SettingsFactory
from tests.support.waiting import WAIT_LIMIT, eventually
from tests.support.watchdogs import suspect_soon

Handle = Callable[[Sequence[Message]], Awaitable[None]]
DeadLetter = Callable[[Message, Exception], Awaitable[None]]


class Rig:
    """A consumer that runs all the while, the log that it reads, and what became of each offset."""

    def __init__(self, settings: Settings, log: Log, entity: str, handle: Handle, letter: DeadLetter) -> None:
        self._log = log
        self._handle, self._letter = handle, letter
        self._seen: set[tuple[int, int]] = set()
        self.stop = asyncio.Event()
        self.consumer = BatchConsumer(
            settings,
            topics=[entity],
            group="poisoned",
            handle=self._handled,
            dead_letter=self._lettered,
            lanes=2,
        )
        suspect_soon(self.consumer)

    async def _handled(self, messages: Sequence[Message]) -> None:
        await self._handle(messages)
        self._seen.update((one.partition, one.offset) for one in messages)

    async def _lettered(self, message: Message, error: Exception) -> None:
        await self._letter(message, error)
        self._seen.update((message.partition, offset) for offset in range(message.offset, message.next_offset))

    async def check(self, log: Sequence[bytes], good: Plain) -> None:
        """Put a log and a good record behind it; wait until every offset of it is accounted for."""
        offsets = await self._log.put(log, good)
        await eventually(lambda: self._missing(offsets) == [], what="offsets without an end")

    def _missing(self, offsets: Sequence[int]) -> list[int]:
        return [offset for offset in offsets if (0, offset) not in self._seen]


@asynccontextmanager
async def rig(settings: Settings, entity: str, handle: Handle, letter: DeadLetter) -> AsyncIterator[Rig]:
    async with log_of(settings.kafka_bootstrap, topic_name(settings, entity)) as log:
        running = Rig(settings, log, entity, handle, letter)
        task = asyncio.create_task(running.consumer.run(running.stop))
        try:
            yield running
            assert not task.done(), "the consumer ended"
        finally:
            running.stop.set()
            await asyncio.gather(asyncio.wait_for(task, WAIT_LIMIT), return_exceptions=True)


@pytest.fixture
async def ingest(settings_for: SettingsFactory, broker: TestBroker, points_db: Database) -> AsyncIterator[Rig]:
    stream = IngestStream(points_db, await policy_of(points_db))
    async with rig(settings_for("points"), "attendance", stream.handle, stream.dead_letter) as running:
        yield running


@pytest.fixture
async def counting(settings_for: SettingsFactory, broker: TestBroker, points_db: Database) -> AsyncIterator[Rig]:
    stream = TeamStream(points_db, await teams.install(points_db))
    async with rig(settings_for("points"), "attendance", stream.handle, stream.dead_letter) as running:
        yield running


@pytest.fixture
async def inbox(settings_for: SettingsFactory, broker: TestBroker, notify_db: Database) -> AsyncIterator[Rig]:
    stream = InboxStream(notify_db, await load_catalogue(notify_db), asyncio.Event())
    async with rig(settings_for("notify"), "signups", stream.handle, stream.dead_letter) as running:
        yield running


@fuzzing()
@given(poisoned(service))
async def test_the_ledger_passes_whatever_attendance_holds(ingest: Rig, points_db: Database, log: list[bytes]) -> None:
    good = service()
    await ingest.check(log, good)
    assert await points_db.pool.fetchval(
        "select true from volunteers where volunteer_id = $1", UUID(good.key.decode())
    ), "the record behind it was not applied"


@fuzzing()
@given(poisoned(of_team))
async def test_teams_pass_whatever_attendance_holds(counting: Rig, points_db: Database, log: list[bytes]) -> None:
    before = await points_db.pool.fetchval("select count(*) from team_services")
    await counting.check(log, of_team())
    assert await points_db.pool.fetchval("select count(*) from team_services") > before


@fuzzing()
@given(poisoned(signup))
async def test_inboxes_pass_whatever_signups_hold(inbox: Rig, notify_db: Database, log: list[bytes]) -> None:
    good = signup()
    await inbox.check(log, good)
    assert await notify_db.pool.fetchval(
        "select true from messages where recipient_id = $1", UUID(good.key.decode())
    ), "the event behind it made no message"
