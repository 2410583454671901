"""The worker as a process of its own: faust hosts it, records become points, SIGTERM ends it, and so does trouble."""

import asyncio
import signal
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from shared.ids import new_id
from shared.kafka.consumer import Message
from shared.postgres import Database
from tests.integration.points.histories import attendance, message, read
from tests.reference.points import Record
from tests.support.brokers import TestBroker
from tests.support.points_workers import running, send
from tests.support.settings import SettingsFor
from tests.support.waiting import WAIT_LIMIT, eventually

pytestmark = pytest.mark.broker


def served(**changes: Any) -> Message:
    """An hour of somebody new."""
    started_at = datetime(2026, 3, 4, tzinfo=UTC)
    plain = Record(str(new_id()), 1, str(new_id()), "confirmed", "scanned", started_at, 60)
    return message(attendance(plain), **changes)


async def points_of(database: Database, one: Message) -> int | None:
    """What the volunteer of a message has earned; None before the account exists."""
    stored = await read(database, UUID((one.key or b"").decode()))
    return None if stored is None else stored.balances["earned"]


def spoilt(known: Message) -> dict[str, Message]:
    """What may lie on the topic although it shouldn't, by the kind of dead letter that it becomes."""
    unknown_type = [
        (name, b"volunteering.nobody.heard.v9" if name == "ce_type" else value) for name, value in known.headers
    ]
    said = orjson.loads(known.value or b"")
    return {
        "permanent": served(value=b'{"record_id": '),
        "unknown-type": served()._replace(headers=unknown_type),
        "conflict": known._replace(value=orjson.dumps({**said, "minutes": said["minutes"] + 30})),
    }


async def letter_of(database: Database, kind: str) -> Any:
    async with database.transaction() as tx:
        return await tx.fetchrow("select * from dead_letters where kind = $1", kind)


async def test_records_become_points_poison_blocks_nothing_and_a_stop_is_quick(
    broker: TestBroker, settings_for: SettingsFor, points_db: Database
) -> None:
    settings = settings_for("points")
    first = served()
    async with running(settings) as process:
        await send(settings, first)
        assert await eventually(lambda: points_of(points_db, first)) == 35
        for kind, poison in spoilt(first).items():
            following = served()
            await send(settings, poison, following)
            assert await eventually(lambda one=following: points_of(points_db, one)) == 35  # type: ignore[misc]
            # The one that follows may have gone by another lane, and be there first.
            letter = await eventually(lambda about=kind: letter_of(points_db, about))  # type: ignore[misc]
            assert (letter["kind"], letter["status"], letter["value"]) == (kind, "open", poison.value)
            assert len(letter["reason"]) > 15
        assert await points_of(points_db, first) == 35
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), WAIT_LIMIT) == 0


async def test_a_killed_worker_is_taken_over_and_nothing_counts_twice(
    broker: TestBroker, settings_for: SettingsFor, points_db: Database
) -> None:
    settings = settings_for("points")
    messages = [served() for _ in range(20)]
    async with running(settings) as process:
        await send(settings, *messages[:10])
        await eventually(lambda: points_of(points_db, messages[9]))
        process.kill()
        await process.wait()
    await send(settings, *messages)
    async with running(settings):
        await eventually(lambda: points_of(points_db, messages[19]))
        for one in messages:
            assert await points_of(points_db, one) == 35


async def test_a_worker_without_a_database_says_so_by_its_exit_code(
    broker: TestBroker, settings_for: SettingsFor
) -> None:
    settings = settings_for("points", database_url="postgresql://points_app:x@127.0.0.1:9/nowhere")
    async with running(settings) as process:
        assert await asyncio.wait_for(process.wait(), WAIT_LIMIT) != 0
