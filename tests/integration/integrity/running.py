"""Integrity on rows: the ingest beside a follower, and what both are fed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.points.ingest.stream import IngestStream
from services.points.integrity import handlers
from services.points.integrity.following import IntegrityFollower
from shared.auth.tokens import Caller, Role
from shared.contracts import AttendanceRecorded
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.serving import OTHER_SITE, Ledger, message, record
from tests.support.databases import Clock, TestDatabase

NOW = datetime(2026, 3, 4, 6, 0, tzinfo=UTC)
MORNING = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)
OPERATOR = Caller(subject=new_id(), roles=frozenset({Role.OPERATOR}), site_ids=None)
Cases = dict[str, tuple[str, frozenset[str]]]


@dataclass
class Integrity:
    """The ingest, a follower of its records, and the database of both."""

    database: Database
    ingest: IngestStream
    follower: IntegrityFollower
    superuser: str

    async def feed(self, *records: AttendanceRecorded, emitted_at: datetime = NOW, at_once: int = 1000) -> None:
        """Ingest records in their order, so many in a batch; nothing follows them yet."""
        messages = [message(data, offset, emitted_at=emitted_at) for offset, data in enumerate(records)]
        for start in range(0, len(messages), at_once):
            await self.ingest.handle(messages[start : start + at_once])

    async def follow(self) -> None:
        """Follow until no mark is due."""
        while await self.follower.turn():
            pass

    async def send(self, *records: AttendanceRecorded, emitted_at: datetime = NOW, at_once: int = 1000) -> None:
        """Ingest records and follow them."""
        await self.feed(*records, emitted_at=emitted_at, at_once=at_once)
        await self.follow()

    async def again(self) -> None:
        """Mark all records there are, as if they had just come, in another order."""
        await self.database.pool.execute(
            "insert into record_marks (record_ids) select array[record_id] from records order by content_hash"
        )

    async def cases(self) -> Cases:
        """Case → kind and records; a case that was there twice would be a breach of its key."""
        rows = await self.database.pool.fetch(
            "select case_id, c.kind, array_agg(record_id) as records from cases c join record_flags f using (case_id)"
            " group by case_id, c.kind"
        )
        return {str(row["case_id"]): (row["kind"], frozenset(map(str, row["records"]))) for row in rows}

    async def found(self, records: int, **kinds: int) -> Cases:
        """The cases: so many of each kind and no others, about so many records together."""
        cases = await self.cases()
        present: dict[str, int] = {}
        for kind, _ in cases.values():
            present[kind] = present.get(kind, 0) + 1
        size = sum(len(found) for _, found in cases.values())
        assert (present, size) == ({kind.replace("_", "-"): number for kind, number in kinds.items()}, records)
        return cases

    async def marks(self) -> int:
        """How many marks are not followed up."""
        return int(await self.database.pool.fetchval("select count(*) from record_marks"))

    async def forget_cases(self) -> None:
        """Delete every case, as if nothing had ever been found."""
        superuser = await asyncpg.connect(self.superuser)
        await superuser.execute("set session_replication_role = replica")
        await superuser.execute("truncate points.cases, points.record_flags cascade")
        await superuser.execute("update points.volunteers set standing_flags = 0")
        await superuser.close()


@pytest.fixture
async def integrity(points_db: Database, test_database: TestDatabase, clock: Clock) -> Integrity:
    await clock.set(NOW)
    ledger = await Ledger.open(points_db)
    follower = IntegrityFollower(points_db, await handlers.install(points_db), ledger.policy)
    return Integrity(points_db, IngestStream(points_db, ledger.policy), follower, test_database.dsn_for("postgres"))


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
