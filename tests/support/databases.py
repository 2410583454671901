"""A migrated template per session, and a copy of it for each test."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from dev.stack.postgres import Postgres, forget
from dev.stack.processes import alive
from ops import database as ops_database
from ops.database import SERVICES, Server
from ops.secrets import make_secrets
from shared.ids import new_id
from shared.postgres import Database
from shared.postgres.migrations import migrate

__all__ = [
    "ROOT",
    "TEMPLATE",
    "WHOLE",
    "Clock",
    "PostgresServer",
    "TestDatabase",
    "data_directory",
    "running_postgres",
    "template_for",
]

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = "weiguang_template"
WHOLE = frozenset({"all_services", "broker", "dsn_for"})
"""Fixtures that give a test the schemas of all services where its folder has those of one."""
MEMORY = Path("/dev/shm")
ROOM = 2 * 1024**3
"""Bytes that must be free in memory: each session keeps some databases of 13 MB, and the log of `_BRIEF`."""
_BRIEF: Mapping[str, str] = {
    "min_wal_size": "64MB",
    "max_wal_size": "256MB",
    "scram_iterations": "1",  # 4096 of them are most of what a connection costs its client
    "file_copy_method": "clone",
    "autovacuum": "off",
}
"""Settings of servers whose databases last as long as a test."""


@dataclass(slots=True)
class _Connection:
    """Keeps one connection for many calls: opening it costs both sides 5 ms of processor time."""

    dsn: str
    conn: Any = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Any]:
        """The connection, for one caller at a time; another one after the server was down."""
        async with self.turn:
            if self.conn is None or self.conn.is_closed():
                self.conn = await asyncpg.connect(self.dsn)
            yield self.conn

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self.conn is not None:
            await self.conn.close()
            self.conn = None


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """The session's server."""

    server: Server
    superuser: _Connection
    made: set[str] = field(default_factory=set)

    @property
    def superuser_dsn(self) -> str:
        """Address of the maintenance database for the superuser."""
        return self.superuser.dsn

    async def migrate_template(self, name: str = TEMPLATE, services: Sequence[str] = SERVICES) -> None:
        """Make a template that databases of tests are copies of; services beyond `services` have empty schemas."""
        await ops_database.bootstrap(self.superuser_dsn, name, driven_time=True, passwords=self.server.passwords)
        for service in services:
            directory = ROOT / "services" / service / "migrations"
            await migrate(self.server.dsn(f"{service}_owner", name), service, f"{service}_app", directory)

    async def template_of(self, service: str) -> str:
        """The template with the schema of one service: half of the files to copy, and half of the time."""
        name = f"{TEMPLATE}_{service}"
        if name not in self.made:
            await self.migrate_template(name, (service,))
            self.made.add(name)
        return name

    async def make(self, name: str, template: str = TEMPLATE) -> "TestDatabase":
        """A copy of a template, which nothing may be connected to; it lasts as long as the server."""
        async with self.superuser.connected() as conn:
            await ops_database.copy_database(conn, template, name)
        return TestDatabase(self, name)

    @asynccontextmanager
    async def copy(self, template: str = TEMPLATE) -> AsyncIterator["TestDatabase"]:
        """A database of one's own, dropped at the end."""
        name = f"test_{new_id().hex}"
        database = await self.make(name, template)
        try:
            yield database
        finally:
            async with self.superuser.connected() as conn:
                await ops_database.drop_database(conn, name)

    @asynccontextmanager
    async def empty(self) -> AsyncIterator["TestDatabase"]:
        """A database with nothing in it, dropped at the end: for tests of bootstrap and migrations."""
        name = f"test_{new_id().hex}"
        await ops_database.create_database(self.superuser_dsn, name)
        try:
            yield TestDatabase(self, name)
        finally:
            async with self.superuser.connected() as conn:
                await ops_database.drop_database(conn, name)


@dataclass(frozen=True, slots=True)
class TestDatabase:
    """One test's database."""

    __test__ = False

    postgres: PostgresServer
    name: str

    def dsn_for(self, role: str) -> str:
        """The address for `<service>_app`, `<service>_owner`, `auditor`, `clock_driver` or `postgres`."""
        return self.postgres.server.dsn(role, self.name)

    @asynccontextmanager
    async def connect(self, service: str, *, size: int = 8) -> AsyncIterator[Database]:
        """A pool as the service has it at run time."""
        database = await Database.open(self.dsn_for(f"{service}_app"), service, size=size)
        try:
            yield database
        finally:
            await database.close()

    @asynccontextmanager
    async def clock(self) -> AsyncIterator["Clock"]:
        """Drives business time of this database while the block runs."""
        driver = _Connection(self.dsn_for("clock_driver"))
        try:
            yield Clock(driver)
        finally:
            await driver.close()


@dataclass(frozen=True, slots=True)
class Clock:
    """Drives the business time of one test's database."""

    driver: _Connection

    async def set(self, at: datetime | None) -> None:
        """Business time is `at` from now on; None is the machine's clock."""
        async with self.driver.connected() as conn:
            await ops_database.drive_now(conn, at)


async def template_for(server: PostgresServer, service: str, fixtures: Collection[str]) -> str:
    """The template for a test of one service that names these fixtures; a pool of another service asks for all."""
    others = {f"{other}_db" for other in SERVICES if other != service}
    return await server.template_of(service) if (WHOLE | others).isdisjoint(fixtures) else TEMPLATE


@asynccontextmanager
async def running_postgres(
    name: str = "postgres", *, durable: bool = False, settings: Mapping[str, str] | None = None
) -> AsyncIterator[PostgresServer]:
    """A server for this test session alone, by default without fsync; its files are gone afterwards."""
    disk = ROOT / "var" / "tests"
    directory = (disk if durable else data_directory(disk)) / f"{name}-{os.getpid()}"
    for parent in {disk, directory.parent}:
        _forget_dead_sessions(parent)
    secrets = make_secrets()
    log, password = disk / f"{directory.name}.log", secrets.passwords["postgres"]
    values = settings or {} if durable else {**_BRIEF, **(settings or {})}
    server = Postgres(directory, log, password, durable=durable, settings=values)
    superuser: _Connection | None = None
    try:
        await server.start()
        superuser = _Connection(server.superuser_dsn)
        yield PostgresServer(Server("127.0.0.1", server.port, secrets.passwords), superuser)
    finally:
        if superuser is not None:
            await superuser.close()
        await server.stop()
        forget(directory)
        shutil.rmtree(directory, ignore_errors=True)
        log.unlink(missing_ok=True)


def data_directory(disk: Path) -> Path:
    """Where servers of tests keep their files: in memory if there is room, else in `disk`.

    A test's database is a copy of 400 files: in memory it costs a fifth of the processor time, and no waiting.
    """
    try:
        if shutil.disk_usage(MEMORY).free < ROOM:
            return disk
        directory = MEMORY / f"weiguang-tests-{os.geteuid()}"
        directory.mkdir(mode=0o755, exist_ok=True)
    except OSError:
        return disk
    return directory


def _forget_dead_sessions(directory: Path) -> None:
    """What sessions that were killed left behind."""
    for left in directory.glob("*-*"):
        number = left.name.partition("-")[2].partition(".")[0]
        if number.isdigit() and not alive(int(number)):
            if left.is_dir():
                forget(left)
            else:
                left.unlink(missing_ok=True)
