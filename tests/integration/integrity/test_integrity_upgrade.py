"""A database of the release before, whose records nothing marked, is followed from its first start on."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ops import database as ops_database
from services.points.__main__ import MIGRATIONS
from services.points.integrity import handlers
from services.points.integrity.following import IntegrityFollower
from services.points.policy import policy_of
from services.points.records.decoding import decode
from services.points.records.domain import RecordRevision
from shared.contracts import AttendanceRecorded
from shared.ids import new_id
from shared.postgres import Database
from shared.postgres.migrations import migrate
from tests.integration.integrity.running import entered, two_sites
from tests.integration.points.serving import message
from tests.support.databases import PostgresServer, TestDatabase

COLUMNS = RecordRevision._fields[: RecordRevision._fields.index("emitted_at")]


@pytest.fixture
async def older(postgres_server: PostgresServer, tmp_path: Path) -> AsyncIterator[TestDatabase]:
    """A database of before records were marked."""
    before = tmp_path / "before"
    before.mkdir()
    for file in MIGRATIONS.glob("*.sql"):
        if file.name < "0140_":
            shutil.copy(file, before)
    async with postgres_server.empty() as made:
        await ops_database.bootstrap(
            postgres_server.superuser_dsn, made.name, driven_time=True, passwords=postgres_server.server.passwords
        )
        await migrate(made.dsn_for("points_owner"), "points", "points_app", before)
        yield made


async def keep(db: Database, *records: AttendanceRecorded) -> None:
    """Write records as the release before did."""
    rows = [decode(message(one))[: len(COLUMNS)] for one in records]
    async with db.transaction() as tx:
        await tx.copy("records", COLUMNS, rows)


async def test_records_from_before_are_followed_once_and_known_cases_stay(older: TestDatabase) -> None:
    pair, burst = two_sites(new_id()), entered(new_id(), 33, device_ref=None)
    async with older.connect("points") as database:
        await keep(database, *pair, *burst)
        await migrate(older.dsn_for("points_owner"), "points", "points_app", MIGRATIONS)
        follower = IntegrityFollower(database, await handlers.install(database), await policy_of(database))
        while await follower.turn():
            pass
        found = await database.pool.fetch(
            "select kind, count(*) from cases join record_flags using (case_id, kind) group by 1"
        )
        assert dict(map(tuple, found)) == {"two-sites": 2, "burst": 33}
        cases = await database.pool.fetch("select * from cases order by case_id")
        await database.pool.execute("insert into record_marks (record_ids) select array_agg(record_id) from records")
        while await follower.turn():
            pass
        assert await database.pool.fetch("select * from cases order by case_id") == cases
        assert await database.pool.fetchval("select count(*) from record_marks") == 0
