"""The agents as they run: a minute told each second, poison put aside, quick to stop, loud when they cannot go on."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.points.pulse.domain import Beat, Cell, cells, last_minute
from services.points.settings import PointsSettings
from shared.cloudevents import decode, encode
from shared.contracts import AttendanceRecorded, Contract, PointsPosted, PulseTick
from shared.ids import new_id
from shared.kafka.topics import topic_name
from shared.outbox import event
from shared.postgres import Database
from tests.support.brokers import TestBroker
from tests.support.databases import TestDatabase
from tests.support.settings import SettingsFactory
from tests.support.waiting import eventually

NOW = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
PULSE_START = 60.0
"""Seconds; a process starts in 5, and a group waits for a member that went away."""


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


def service(site: UUID, drive: UUID | None = None, **more: Any) -> AttendanceRecorded:
    values: dict[str, Any] = {
        "record_id": new_id(),
        "revision": 2,
        "volunteer_id": new_id(),
        "site_id": site,
        "drive_id": drive,
        "theme": "t",
        "kind": "k",
        "provenance": "scanned",
        "closed_by": "self",
        "status": "confirmed",
        "started_at": NOW,
        "ended_at": NOW,
        "minutes": 60,
    }
    return AttendanceRecorded(**{**values, **more})


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


@dataclass
class Agents:
    """The process, its topics, and the last tick that it told."""

    settings: PointsSettings
    producer: Any
    consumer: Any
    process: asyncio.subprocess.Process | None = None

    async def send(self, data: Contract, *, age: float = 0.0, value: bytes | None = None) -> None:
        headers, encoded = encode(event(data, source="test", aggregate_version=1))
        await self.producer.send_and_wait(
            topic_name(self.settings, data.topic),
            value or encoded,
            key=str(new_id()).encode(),
            headers=headers,
            timestamp_ms=int((time.time() - age) * 1000),
        )

    async def tick(self) -> PulseTick | None:
        """The newest tick, if a new one was told."""
        found = None
        for records in (await self.consumer.getmany(timeout_ms=200)).values():
            for record in records:
                found = decode(record.headers, record.value).data
        assert found is None or isinstance(found, PulseTick)
        return found

    async def minute(self, records: int, points: int) -> PulseTick:
        """Wait until a tick says this."""

        async def probe() -> PulseTick | None:
            tick = await self.tick()
            if tick is None:
                return None
            told = (tick.records_per_minute, tick.points_per_minute)
            seen.append(told)
            return tick if told == (records, points) else None

        seen: list[tuple[int, int]] = []
        try:
            tick: PulseTick = await eventually(probe, within=PULSE_START)
        except AssertionError as error:
            raise AssertionError(f"no tick of {(records, points)}, but {seen}") from error
        return tick

    async def start(self) -> None:
        environment = dict(os.environ)
        for name, value in self.settings.model_dump(mode="json").items():
            environment[f"WEIGUANG_{name.upper()}"] = value if isinstance(value, str) else json.dumps(value)
        environment["WEIGUANG_AUTH_SIGNING_KEY"] = ""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.points", "agents", env=environment, stdout=asyncio.subprocess.DEVNULL
        )

    async def stop(self) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), 60)


@asynccontextmanager
async def agents_on(settings: PointsSettings) -> AsyncIterator[Agents]:
    idempotent = settings.broker == "kafka"
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, enable_idempotence=idempotent)
    consumer = AIOKafkaConsumer(
        topic_name(settings, "pulse"), bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest"
    )
    await producer.start()
    await consumer.start()
    running = Agents(settings, producer, consumer)
    try:
        yield running
    finally:
        if running.process is not None and running.process.returncode is None:
            running.process.kill()
            await running.process.wait()
        await consumer.stop()
        await producer.stop()


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
