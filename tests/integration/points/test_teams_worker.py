"""Teams in a process of their own on a real broker: badge within five seconds, poison dead-lettered, nothing twice."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from shared.contracts import AttendanceRecorded
from shared.ids import new_id
from shared.kafka.consumer import Message
from shared.postgres import Database
from tests.integration.points.histories import message
from tests.integration.points.serving import record
from tests.support.brokers import TestBroker
from tests.support.points_workers import running, send
from tests.support.settings import SettingsFor
from tests.support.waiting import eventually

pytestmark = pytest.mark.broker

STARTED = datetime(2026, 3, 4, 1, tzinfo=UTC)


def of_team(team_id: UUID, number: int) -> list[AttendanceRecorded]:
    return [record(new_id(), team_id=team_id, started_at=STARTED) for _ in range(number)]


async def held(database: Database, team_id: UUID) -> list[str] | None:
    """The team's badges; None while it has none."""
    async with database.snapshot() as tx:
        found = await tx.fetchval("select badges from teams where team_id = $1", team_id)
    return found or None


async def services(database: Database, team_id: UUID) -> int | None:
    async with database.snapshot() as tx:
        found: Any = await tx.fetchval("select (figures -> '' ->> 0)::int from teams where team_id = $1", team_id)
    return None if found is None else int(found)


async def gone(database: Database, team_id: UUID) -> bool:
    return await held(database, team_id) is None


async def test_a_teams_badge_comes_and_goes(broker: TestBroker, settings_for: SettingsFor, points_db: Database) -> None:
    settings, team_id = settings_for("points"), new_id()
    records = of_team(team_id, 50)
    messages = [message(one) for one in records]
    poison: Message = message(of_team(team_id, 1)[0])._replace(value=b'{"record_id": ')
    async with running(settings, "teams") as process:
        await send(settings, *messages[:49])
        await eventually(lambda: _is(points_db, team_id, 49), what="49 services")
        assert await held(points_db, team_id) is None
        await send(settings, poison, messages[49])
        assert await eventually(lambda: held(points_db, team_id)) == [
            "team-50",
            "team-annual-caring-2026",
        ]
        await send(settings, message(records[0].model_copy(update={"revision": 2, "status": "void"})))
        await eventually(lambda: gone(points_db, team_id))
        async with points_db.snapshot() as tx:
            letters = await tx.fetch("select consumer_group, kind from dead_letters")
        assert ("points-teams", "permanent") in [tuple(one) for one in letters]
        process.kill()
        await process.wait()
    # The next worker gets some of it again, under a team that goes on.
    await send(settings, *messages, message(of_team(team_id, 1)[0]))
    async with running(settings, "teams"):
        await eventually(lambda: _is(points_db, team_id, 50), what="50 services")


async def _is(database: Database, team_id: UUID, number: int) -> bool:
    return await services(database, team_id) == number
