"""Integrity as it runs: agents on a real broker open cases, hold points back, and find the same after anything."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from services.points.integrity import handlers
from services.points.integrity.app import SWEEP_EVERY
from services.points.integrity.domain import Status
from services.points.settings import PointsSettings
from shared.auth.tokens import Caller, Role
from shared.cloudevents import encode
from shared.contracts import AttendanceRecorded
from shared.ids import derived_id, new_id
from shared.kafka.topics import topic_name
from shared.outbox import event
from shared.postgres import Database
from tests.integration.points.serving import OTHER_SITE, SITE, Ledger, record
from tests.support.brokers import TestBroker
from tests.support.databases import Clock, TestDatabase
from tests.support.settings import SettingsFactory
from tests.support.waiting import eventually

pytestmark = pytest.mark.broker
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
    process: asyncio.subprocess.Process | None = None

    async def send(self, *records: AttendanceRecorded, told_at: datetime | None = None) -> None:
        """Publish, in order, as the relay would; nothing is kept of who was sent before."""
        for data in records:
            told = event(
                data,
                source="test",
                aggregate_version=data.revision,
                id=derived_id("test", data.model_dump_json()),
                time=told_at or data.ended_at,
            )
            headers, value = encode(told)
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
        self.process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=asyncio.subprocess.DEVNULL
        )

    async def end(self, *, hard: bool = False) -> None:
        if self.process is not None and self.process.returncode is None:
            (self.process.kill if hard else self.process.terminate)()
            await asyncio.wait_for(self.process.wait(), 10)

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


async def test_each_kind_opens_a_case_and_an_upload_of_200_opens_none(integrity: Integrity) -> None:
    await integrity.start()
    upload = entered(new_id(), 200, "kiosk", device_ref="kiosk-1", site_id=SITE)
    await integrity.send(*upload, told_at=NOW)
    await integrity.send(*everything(), told_at=NOW)
    cases = await integrity.found(44, **EXPECTED)
    assert sorted(len(records) for _, records in cases.values()) == [1, 2, 3, 5, 33]
    uploaded = {str(found.record_id) for found in upload}
    assert not any(records & uploaded for _, records in cases.values())
    told = await integrity.database.pool.fetch("select key, value from outbox where topic = 'integrity'")
    assert {row["key"] for row in told} == {json.loads(row["value"])["subject"] for row in told}
    assert len(told) == 5
    await integrity.send(entered(new_id(), 1)[0].model_copy(update={"kind": "x" * 101}))  # the contract forbids it

    async def put_aside() -> bool:
        query = "select consumer_group from dead_letters"
        return [row["consumer_group"] for row in await integrity.database.pool.fetch(query)] == ["points-integrity"]

    await eventually(put_aside, within=START)
    assert integrity.process is not None
    await integrity.end()
    assert integrity.process.returncode == 0


async def test_two_sites_hold_points_back_and_clearing_gives_them_back(integrity: Integrity) -> None:
    ledger = await Ledger.open(integrity.database)
    person = new_id()
    served = two_sites(person)
    await ledger.feed(*served)

    async def available() -> int:
        return int(
            await integrity.database.pool.fetchval("select available from volunteers where volunteer_id = $1", person)
        )

    assert await available() == 80
    await integrity.start()
    await integrity.send(*served)
    (case_id,) = await integrity.found(2, two_sites=1)
    assert await available() == 0
    async with integrity.database.transaction() as tx:
        await handlers.settle(tx, OPERATOR, UUID(case_id), Status.CLEARED, "both rooms are next to each other")
    assert await available() == 80


async def test_dropped_tables_and_a_replay_give_the_same_cases_once_each(integrity: Integrity) -> None:
    await integrity.start()
    await integrity.send(*everything(), told_at=NOW)
    await integrity.found(44, **EXPECTED)
    await integrity.caught_up(1)
    before = await integrity.cases()
    await integrity.end()
    integrity.forget_tables()
    events = await integrity.database.pool.fetchval("select count(*) from outbox where topic = 'integrity'")
    # As if nothing had ever been found: the replay alone brings every case back.
    await _forget_cases(integrity)
    await integrity.start()
    await eventually(lambda: _same(integrity, before), within=START, what="the same cases")
    await integrity.caught_up(2)
    again = {key: found for key, found in (await integrity.cases()).items() if key in before}
    assert again == before
    assert len(await integrity.cases()) == len(before) + integrity.settings.topic_partitions
    assert events == len(before)


async def test_a_replay_over_the_cases_that_are_there_opens_none(integrity: Integrity) -> None:
    sent = everything()
    await integrity.start()
    await integrity.send(*sent, told_at=NOW)
    before = await integrity.found(44, **EXPECTED)
    await integrity.end()
    integrity.forget_tables()
    await integrity.start()
    await integrity.send(*reversed(sent), told_at=NOW)  # a relay may also send everything again, in whatever order
    await integrity.caught_up(1)
    after = await integrity.cases()
    assert {key: found for key, found in after.items() if key in before} == before
    assert len(after) == len(before) + integrity.settings.topic_partitions
    told = await integrity.database.pool.fetchval("select count(*) from outbox where topic = 'integrity'")
    assert told == len(after)


async def test_killed_in_the_middle_its_tables_find_what_they_would_have_found(integrity: Integrity) -> None:
    burst = entered(new_id(), 60, device_ref=None)
    people = [new_id() for _ in range(12)]
    others: Sequence[AttendanceRecorded] = [found for person in people for found in two_sites(person)]
    tireless = new_id()
    days = [
        record(tireless, 350, started_at=MORNING + timedelta(days=day, hours=6 * n - 9), device_ref=None)
        for n in range(3)
        for day in range(0, 9, 3)
    ]
    mixed = [
        found for triple in zip(burst, [*others, *burst[:36]], [*days, *burst[:51]], strict=False) for found in triple
    ]
    await integrity.start()
    # Half of a pair and a third of each long day. What is acknowledged never comes again: the tables alone know of it.
    await integrity.send(*mixed[:15], told_at=NOW)
    first = await integrity.acknowledged(more_than=0)
    await integrity.end(hard=True)
    await integrity.start()
    await integrity.send(*mixed[15:33], told_at=NOW)
    await integrity.acknowledged(more_than=first)
    before = len(await integrity.cases())
    await integrity.send(*mixed[33:63], told_at=NOW)
    await eventually(lambda: _more(integrity, before + 1), within=START, every=0.005)
    await integrity.end(hard=True)
    await integrity.start()
    await integrity.send(*mixed[63:], told_at=NOW)
    cases = await integrity.found(24 + 60 + 9, two_sites=12, burst=1, long_day=3)

    wanted = {frozenset(str(found.record_id) for found in others[n : n + 2]) for n in range(0, 24, 2)}
    assert {records for kind, records in cases.values() if kind == "two-sites"} == wanted


async def test_a_record_of_a_time_far_ahead_makes_nothing_forgotten(integrity: Integrity) -> None:
    """The sweep comes after so many records of a partition; all of these are of one volunteer."""
    person = new_id()
    one, other = two_sites(person)
    ahead = record(person, 30, started_at=MORNING - timedelta(days=9), device_ref=None)
    others = [
        record(person, 1, started_at=MORNING - timedelta(days=20 + n // 400, minutes=2 * (n % 400)), device_ref=None)
        for n in range(SWEEP_EVERY)
    ]
    await integrity.start()
    await integrity.send(one, told_at=NOW)
    await integrity.send(ahead, told_at=datetime(2999, 1, 1, tzinfo=UTC))
    await integrity.send(*others, told_at=NOW)
    await integrity.send(other, told_at=NOW)
    await integrity.found(2, two_sites=1)


async def test_a_second_process_stands_by_and_takes_over_when_the_first_is_killed(integrity: Integrity) -> None:
    (first, second) = new_id(), new_id()
    await integrity.start()
    await integrity.send(two_sites(first)[0], told_at=NOW)
    await integrity.acknowledged(more_than=0)
    running = integrity.process
    await integrity.start()
    standing_by = integrity.process
    assert running is not None
    assert standing_by is not None
    await eventually(lambda: _sessions(integrity, 2), within=START, what="two that want the lock")
    await integrity.send(*two_sites(second), told_at=NOW)
    await integrity.found(2, two_sites=1)
    assert running.returncode is standing_by.returncode is None
    running.kill()
    await running.wait()
    await integrity.send(two_sites(first)[1], told_at=NOW)
    await integrity.found(4, two_sites=2)
    assert standing_by.returncode is None


async def _sessions(integrity: Integrity, number: int) -> bool:
    query = "select count(*) from pg_stat_activity where application_name = 'weiguang-points-integrity-lock'"
    return bool(await integrity.database.pool.fetchval(query) == number)


async def _same(integrity: Integrity, before: Cases) -> bool:
    return await integrity.cases() == before


async def _more(integrity: Integrity, number: int) -> bool:
    return len(await integrity.cases()) >= number


async def _forget_cases(integrity: Integrity) -> None:
    superuser = await asyncpg.connect(integrity.superuser)
    await superuser.execute("set session_replication_role = replica")
    await superuser.execute("truncate points.cases, points.record_flags")
    await superuser.execute("update points.volunteers set standing_flags = 0")
    await superuser.close()
