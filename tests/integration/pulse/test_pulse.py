"""The agents as they run: a minute told each second, poison put aside, quick to stop, loud when they cannot go on."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from services.points.pulse.domain import Beat, Cell, cells, last_minute
from shared.contracts import PointsPosted
from shared.ids import new_id
from shared.postgres import Database
from tests.support.brokers import TestBroker
from tests.support.databases import TestDatabase
from tests.support.pulse_agents import NOW, PULSE_START, Agents, agents_on, service
from tests.support.settings import SettingsFactory


def test_a_minute_is_the_sum_of_its_slices_over_partitions() -> None:
    site, drive = new_id(), new_id()
    found = [
        Cell(key, start, amount)
        for start in (35.0, 40.0, 95.0, 105.0)
        for partition in (0, 7)
        for key, amount in cells(Beat(1, 10, site, drive), partition)
    ]
    found += [Cell(key, 95.0, amount) for key, amount in cells(Beat(1, 0, None, None), 3)]
    minute = last_minute(found, now=99.9)
    assert (minute.records, minute.points) == (5, 40), "40 and 95 are within the minute, 35 before, 105 after"
    assert minute.by_site == {site: (4, 40)}
    assert minute.by_drive == {drive: (4, 40)}


def posted(site: UUID, amount: int, reason: str = "award") -> PointsPosted:
    return PointsPosted(
        posting_id=new_id(),
        volunteer_id=new_id(),
        reason=reason,
        amount=amount,
        available=0,
        held=0,
        debt=0,
        site_id=site,
        posted_at=NOW,
    )


@pytest.fixture
async def agents(broker: TestBroker, settings_for: SettingsFactory) -> AsyncIterator[Agents]:
    async with agents_on(settings_for("points")) as running:
        yield running


@pytest.mark.broker
async def test_the_pulse_of_a_minute(agents: Agents, points_db: Database) -> None:
    station, drive = new_id(), new_id()
    await agents.start()
    await agents.send(service(station, drive))
    await agents.send(service(station, provenance="imported"))
    await agents.send(service(station, status="provisional", ended_at=None, closed_by=None, minutes=0))
    await agents.send(service(station), age=300)  # a relay sends an old event again
    await agents.send(posted(station, 13))
    await agents.send(posted(station, -5, "reversal"))
    await agents.send(posted(station, -40, "hold"))
    tick = await agents.minute(1, 8)
    assert [(p.site_id, p.records, p.points) for p in tick.by_site] == [(station, 1, 8)]
    assert [(p.drive_id, p.records, p.points) for p in tick.by_drive] == [(drive, 1, 0)]
    assert tick.window_seconds == 60

    await agents.send(service(station), value=b"{broken")
    await agents.send(posted(new_id(), 1), value=b"[]")
    await agents.send(service(station))
    await agents.minute(2, 8)
    rows = await points_db.pool.fetch(
        "select value from dead_letters where consumer_group = 'points-pulse' order by topic"
    )
    assert [bytes(row["value"]) for row in rows] == [b"{broken", b"[]"]
    topics = await points_db.pool.fetch("select topic from outbox where topic like '%pulse.dlq' order by topic")
    assert [row["topic"] for row in topics] == ["attendance.points-pulse.dlq", "points.points-pulse.dlq"]

    assert await agents.stop() == 0


@pytest.mark.broker
async def test_a_restart_restores_the_minute(agents: Agents) -> None:
    station = new_id()
    await agents.start()
    for _ in range(5):
        await agents.send(service(station))
    await agents.minute(5, 0)
    assert await agents.stop() == 0
    while await agents.tick():
        pass
    await agents.start()
    await agents.minute(5, 0)
    await agents.send(service(station))
    await agents.minute(6, 0)
    await agents.stop()


@pytest.mark.broker
async def test_a_record_that_cannot_even_be_put_aside_ends_the_process(
    agents: Agents, test_database: TestDatabase
) -> None:
    owner = await asyncpg.connect(test_database.dsn_for("points_owner"))
    await owner.execute("drop table points.dead_letters")
    await owner.close()
    await agents.start()
    assert agents.process is not None
    await agents.send(service(new_id()), value=b"{broken")
    assert await asyncio.wait_for(agents.process.wait(), PULSE_START) != 0
