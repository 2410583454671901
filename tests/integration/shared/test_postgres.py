"""Migrations, schemas that cannot see each other, and business time."""

import asyncio
import socket
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import asyncpg
import pytest

from ops.database import SERVICES
from shared.clock import stored_instant
from shared.errors import PermanentError, TransientError
from shared.postgres import Bounds, Database
from shared.postgres.migrations import discover, migrate
from tests.support.databases import ROOT, Clock, TestDatabase


@pytest.mark.parametrize("service", SERVICES)
async def test_no_service_can_read_anothers_schema(test_database: TestDatabase, service: str) -> None:
    async with test_database.connect(service) as database:
        for other in set(SERVICES) - {service}:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await database.pool.fetch(f"select * from {other}.outbox")


@pytest.mark.parametrize("service", SERVICES)
async def test_the_runtime_role_cannot_change_its_schema(test_database: TestDatabase, service: str) -> None:
    async with test_database.connect(service) as database:
        for statement in ("create table planted (x int)", "drop table outbox", "alter table outbox add x int"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await database.pool.execute(statement)


async def test_the_auditor_reads_everything_and_writes_nothing(test_database: TestDatabase) -> None:
    conn = await asyncpg.connect(test_database.dsn_for("auditor"))
    try:
        for service in SERVICES:
            assert await conn.fetchval(f"select count(*) from {service}.outbox") == 0
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
                await conn.execute(f"delete from {service}.outbox")
    finally:
        await conn.close()


async def test_migrating_again_applies_nothing(test_database: TestDatabase) -> None:
    for service in SERVICES:
        directory = ROOT / "services" / service / "migrations"
        assert await migrate(test_database.dsn_for(f"{service}_owner"), service, f"{service}_app", directory) == []


async def test_a_changed_migration_is_refused_and_a_failing_one_leaves_nothing(
    test_database: TestDatabase, tmp_path: Path
) -> None:
    dsn = test_database.dsn_for("notify_owner")
    file = tmp_path / "9001_planted.sql"
    file.write_text("create table planted (x int);")
    assert await migrate(dsn, "notify", "notify_app", tmp_path) == ["notify/9001_planted"]
    file.write_text("create table planted (x bigint);")
    with pytest.raises(PermanentError, match="was changed after it was applied"):
        await migrate(dsn, "notify", "notify_app", tmp_path)
    file.write_text("create table planted (x int);")
    (tmp_path / "9002_half.sql").write_text("create table half (x int); select 1/0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(dsn, "notify", "notify_app", tmp_path)
    async with test_database.connect("notify") as database, database.transaction() as tx:
        assert await tx.fetchval("select to_regclass('half')") is None


def test_migration_files_are_numbered_once(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("")
    (tmp_path / "0001_b.sql").write_text("")
    with pytest.raises(PermanentError, match="used twice"):
        discover(tmp_path, "x")
    (tmp_path / "0001_b.sql").rename(tmp_path / "two.sql")
    with pytest.raises(PermanentError, match="not named like"):
        discover(tmp_path, "x")


async def test_business_time_is_driven_for_all_services_at_once(test_database: TestDatabase, clock: Clock) -> None:
    at = datetime(2026, 3, 4, 1, 2, 3, tzinfo=UTC)
    await clock.set(at)
    for service in SERVICES:
        async with test_database.connect(service) as database, database.transaction() as tx:
            assert await tx.now() == at
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await tx.fetchval("select business.set_now(now())")
    await clock.set(None)
    async with test_database.connect("points") as database, database.transaction() as tx:
        assert abs((await tx.now() - datetime.now(UTC)).total_seconds()) < 60


async def test_a_broken_connection_is_a_transient_error(points_db: Database, test_database: TestDatabase) -> None:
    killer = await asyncpg.connect(test_database.dsn_for("postgres"))
    try:
        with pytest.raises(TransientError):  # noqa: PT012 - the connection breaks in the middle
            async with points_db.transaction() as tx:
                pid = await tx.fetchval("select pg_backend_pid()")
                await killer.execute("select pg_terminate_backend($1)", pid)
                await tx.fetchval("select 1")
    finally:
        await killer.close()
    async with points_db.transaction() as tx:
        assert await tx.fetchval("select 1") == 1


@pytest.mark.parametrize(
    "error", [asyncpg.InternalClientError("cannot switch to state 15"), socket.gaierror(-3, "away")]
)
async def test_so_is_what_drivers_say_when_a_server_dies(points_db: Database, error: Exception) -> None:
    with pytest.raises(TransientError):
        async with points_db.transaction():
            raise error


async def test_arrays_are_lists_or_tuples_and_nothing_else(points_db: Database) -> None:
    async with points_db.transaction() as tx:
        for array in ([1, 2], (1, 2), [], ()):
            assert [row[0] for row in await tx.fetch("select unnest($1::int[])", array)] == list(array)
        assert await tx.fetchval("select $1::text[]", [["a", "b"], ["c", "d"]]) == [["a", "b"], ["c", "d"]]
        with pytest.raises(asyncpg.DataError, match="sized iterable container expected"):
            await tx.fetch("select unnest($1::int[])", {1, 2})


INSTANTS = [datetime(1, 1, 2, tzinfo=UTC), datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)]
INSTANTS += [datetime(2026, 3, 4, 8, 0, 0, 1, tzinfo=timezone(timedelta(hours=8))), datetime(9999, 12, 31, tzinfo=UTC)]


async def test_instants_are_copied_as_datetimes_are(points_db: Database) -> None:
    columns, rows = ("number", "at", "later"), [(place, at, None) for place, at in enumerate(INSTANTS)]
    async with points_db.transaction() as tx:
        await tx.execute(
            "create temporary table instants (number int, at timestamptz, later timestamptz) on commit drop"
        )
        await tx.copy("instants", columns, rows)
        stored = [(place, stored_instant(at), None) for place, at, _ in rows]
        await tx.copy("instants", columns, stored, instants=("at", "later"))
        found = await tx.fetch(
            "select number, array_agg(at) as times, count(later) from instants group by number order by 1"
        )
    assert [tuple(row) for row in found] == [(place, [at, at], 0) for place, at, _ in rows]


async def test_a_copy_of_instants_that_is_refused_says_which_line_and_leaves_the_session_usable(
    points_db: Database,
) -> None:
    async with points_db.transaction() as tx:
        await tx.execute(
            "create temporary table instants (number int check (number > 0), at timestamptz) on commit drop"
        )
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            async with tx.savepoint():
                await tx.copy("instants", ("number", "at"), [(1, 0), (0, 0)], instants=("at",))
        assert "COPY instants, line 2" in str(refused.value.context)
        with pytest.raises(TypeError):
            async with tx.savepoint():
                await tx.copy("instants", ("number", "at"), [("one", 0)], instants=("at",))
        assert await tx.fetchval("select count(*) from instants") == 0


@pytest.mark.parametrize(
    ("bounds", "statement"),
    [
        (Bounds(statement=0.1), "select pg_sleep(60)"),
        (Bounds(lock=0.1), "select pg_advisory_xact_lock(7)"),
    ],
)
async def test_statements_and_locks_take_so_long_and_no_longer(
    test_database: TestDatabase, points_db: Database, bounds: Bounds, statement: str
) -> None:
    bounded = await Database.open(test_database.dsn_for("points_app"), "points", size=1, bounds=bounds)
    try:
        async with points_db.transaction() as other:
            await other.execute("select pg_advisory_xact_lock(7)")
            with pytest.raises(TransientError):
                async with bounded.transaction() as tx:
                    await tx.execute(statement)
        await bounded.ready()
    finally:
        await bounded.close()


async def test_a_transaction_that_does_nothing_is_ended(test_database: TestDatabase) -> None:
    bounded = await Database.open(test_database.dsn_for("points_app"), "points", size=1, bounds=Bounds(idle=0.1))

    async def idle() -> None:
        async with bounded.transaction() as tx:
            for _ in range(50):  # until the server has ended the session
                await tx.fetchval("select 1")
                await asyncio.sleep(0.3)

    try:
        with pytest.raises(TransientError):
            await idle()
        await bounded.ready()
    finally:
        await bounded.close()


async def test_a_full_pool_refuses_in_time(test_database: TestDatabase) -> None:
    bounded = await Database.open(test_database.dsn_for("points_app"), "points", size=1, bounds=Bounds(acquire=0.1))
    try:
        async with bounded.transaction():
            with pytest.raises(TransientError):
                await bounded.ready()
        await bounded.ready()
    finally:
        await bounded.close()


async def test_every_session_of_a_service_has_ends_of_its_own(points_db: Database) -> None:
    async with points_db.transaction() as tx:
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            assert await tx.fetchval("select current_setting($1)", name) != "0"
