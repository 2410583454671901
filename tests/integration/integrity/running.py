"""Integrity's process on a real broker, and what it is told of."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from dev.stack.forking import spawn
from dev.stack.processes import ChildProcess
from services.points.settings import PointsSettings
from shared.auth.tokens import Caller, Role
from shared.cloudevents import encode
from shared.contracts import AttendanceRecorded
from shared.ids import derived_id, new_id
from shared.kafka.topics import topic_name
from shared.outbox import event
from shared.postgres import Database
from tests.integration.points.serving import OTHER_SITE, record
from tests.support.brokers import TestBroker
from tests.support.databases import Clock, TestDatabase
from tests.support.settings import SettingsFactory
from tests.support.waiting import eventually

START = 90.0
"""Seconds; a process starts in 5, on a machine that does nothing else."""
NOW = datetime(2026, 3, 4, 6, 0, tzinfo=UTC)
MORNING = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)
OPERATOR = Caller(subject=new_id(), roles=frozenset({Role.OPERATOR}), site_ids=None)
Cases = dict[str, tuple[str, frozenset[str]]]


@dataclass
class Integrity:
    """The process, the topic that it reads, and the ledger beside it."""

    settings: PointsSettings
    database: Database
    producer: Any
    superuser: str
    process: ChildProcess | None = None

    async def send(self, *records: AttendanceRecorded, emitted_at: datetime | None = None) -> None:
        """Publish, in order, as the relay would; nothing is kept of who was sent before."""
        for data in records:
            outgoing = event(
                data,
                source="test",
                aggregate_version=data.revision,
                id=derived_id("test", data.model_dump_json()),
                time=emitted_at or data.ended_at,
            )
            headers, value = encode(outgoing)
            await self.producer.send(
                topic_name(self.settings, "attendance"), value, key=str(data.volunteer_id).encode(), headers=headers
            )
        await self.producer.flush()

    async def start(self) -> None:
        environment = dict(os.environ)
        for name, value in self.settings.model_dump(mode="json").items():
            environment[f"WEIGUANG_{name.upper()}"] = value if isinstance(value, str) else json.dumps(value)
        environment["WEIGUANG_AUTH_SIGNING_KEY"] = ""
        command = [sys.executable, "-m", "services.points", "integrity"]
        self.process = await spawn(command, env=environment)

    async def end(self, *, hard: bool = False) -> None:
        if self.process is not None and self.process.returncode is None:
            (self.process.kill if hard else self.process.terminate)()
            await asyncio.wait_for(self.process.wait(), 60)

    async def cases(self) -> Cases:
        """Case → kind and records; a case that was there twice would be a breach of its key."""
        rows = await self.database.pool.fetch(
            "select case_id, c.kind, array_agg(record_id) as records from cases c join record_flags f using (case_id)"
            " group by case_id, c.kind"
        )
        return {str(row["case_id"]): (row["kind"], frozenset(map(str, row["records"]))) for row in rows}

    async def found(self, records: int, **kinds: int) -> Cases:
        """Wait until there are so many cases of each kind and no others, about so many records together."""

        async def probe() -> Cases | None:
            cases = await self.cases()
            counts = {kind.replace("_", "-"): number for kind, number in kinds.items()}
            present: dict[str, int] = {}
            for kind, _ in cases.values():
                present[kind] = present.get(kind, 0) + 1
            size = sum(len(found) for _, found in cases.values())
            return cases if (present, size) == (counts, records) else None

        cases: Cases = await eventually(probe, within=START, what=f"cases {kinds}")
        return cases

    async def acknowledged(self, *, more_than: int) -> int:
        """Wait until more records are acknowledged; returns how many attendance records and acts are, together."""
        client = AIOKafkaAdminClient(bootstrap_servers=self.settings.kafka_bootstrap)
        await client.start()
        partitions = [
            TopicPartition(topic_name(self.settings, entity), number)
            for entity in ("attendance", "integrity-acts")
            for number in range(self.settings.topic_partitions)
        ]

        async def probe() -> int:
            try:
                found = await client.list_consumer_group_offsets(
                    f"{self.settings.topic_prefix}points-integrity", partitions=partitions
                )
            except GroupCoordinatorNotAvailableError:  # nobody knows the group yet
                return 0
            total = sum(max(0, one.offset) for one in found.values())
            return total if total > more_than else 0

        try:
            found: int = await eventually(probe, within=START, every=0.005, what=f"more than {more_than} acknowledged")
            return found
        finally:
            await client.close()

    async def caught_up(self, mark: int) -> None:
        """Wait until a case about a record sent after everything else is there: what came before was looked at.

        One for each partition, since each is read at its own pace.
        """
        people = await self._one_per_partition(mark)
        ids = []
        for person in people:
            begin = MORNING - timedelta(days=30 + mark)
            one = record(person, 30, started_at=begin, record_id=derived_id(mark, person, 1), device_ref=None)
            other = one.model_copy(update={"record_id": derived_id(mark, person, 2), "site_id": OTHER_SITE})
            await self.send(one, other)
            ids.append({str(one.record_id), str(other.record_id)})

        async def probe() -> bool:
            records = [records for _, records in (await self.cases()).values()]
            return all(pair in records for pair in ids)

        await eventually(probe, within=START, what="the marks")

    async def _one_per_partition(self, mark: int) -> list[UUID]:
        topic = topic_name(self.settings, "attendance")
        found: dict[int, UUID] = {}
        partitions = len(await self.producer.partitions_for(topic))
        number = 0
        while len(found) < partitions:
            person = derived_id("mark", mark, number)
            number += 1
            found.setdefault(self.producer._partition(topic, None, None, None, str(person).encode(), b""), person)
        return list(found.values())

    def forget_tables(self) -> None:
        """From the next start on faust's tables are empty, and the topics are read from their beginning."""
        self.settings = self.settings.model_copy(
            update={"integrity_generation": self.settings.integrity_generation + 1}
        )


@pytest.fixture
async def integrity(
    broker: TestBroker, settings_for: SettingsFactory, points_db: Database, test_database: TestDatabase, clock: Clock
) -> AsyncIterator[Integrity]:
    await clock.set(NOW)
    settings = settings_for("points")
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap, enable_idempotence=settings.broker == "kafka"
    )
    await producer.start()
    running = Integrity(settings, points_db, producer, test_database.dsn_for("postgres"))
    try:
        yield running
    finally:
        await running.end(hard=True)
        await producer.stop()


def two_sites(person: UUID, day: int = 0) -> list[AttendanceRecorded]:
    begin = MORNING + timedelta(days=day)
    return [
        record(person, 120, started_at=begin, device_ref=None),
        record(person, 120, started_at=begin + timedelta(minutes=45), site_id=OTHER_SITE, device_ref=None),
    ]


def entered(recorder: UUID, number: int, provenance: str = "backfilled", **more: Any) -> list[AttendanceRecorded]:
    return [
        record(new_id(), 60, started_at=MORNING, provenance=provenance, recorded_by=recorder, **more)
        for _ in range(number)
    ]


def everything() -> list[AttendanceRecorded]:
    """One of each kind: two sites, a burst, hours without a check-in, many accounts, a long day."""
    person, tireless = new_id(), new_id()
    phone = f"phone:{new_id().hex}"
    phones = [record(new_id(), 30, started_at=MORNING + timedelta(hours=n), device_ref=phone) for n in range(5)]
    return [
        *two_sites(person),
        *entered(new_id(), 33, device_ref=None),
        record(new_id(), 300, started_at=MORNING, provenance="backfilled", device_ref=None),
        *phones,
        *(
            record(tireless, 360, started_at=MORNING.replace(hour=16, day=2) + timedelta(hours=7 * n), device_ref=None)
            for n in range(3)
        ),
    ]


EXPECTED = {"two_sites": 1, "burst": 1, "no_check_in": 1, "many_accounts": 1, "long_day": 1}
