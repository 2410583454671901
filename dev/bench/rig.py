"""The benches' own PostgreSQL and broker, a database per round, and the topic filled once per run."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from dev.bench.history import END, PARTITIONS, History, Record, Sent
from dev.stack.broker import Broker, make_broker
from dev.stack.postgres import Postgres, forget
from dev.stack.processes import alive
from ops import database as ops_database
from ops.database import SERVICES, Server
from ops.secrets import make_secrets
from shared.kafka.client import client_options
from shared.kafka.topics import ensure_topics, topic_name
from shared.postgres import load_queries
from shared.postgres.migrations import migrate
from shared.settings import Settings

__all__ = ["ROOT", "SQL", "VAR", "Rig", "add_settings", "rigged"]

ROOT = Path(__file__).resolve().parents[2]
VAR = ROOT / "var" / "bench"
SQL = load_queries(__file__)
TEMPLATE = "bench_template"
_PUBLISHED = (*Record._fields, "recorded_at", "change")


@dataclass(slots=True)
class Rig:
    """What is measured on; ``prefix`` is that of the topic with the history."""

    directory: Path
    postgres: Postgres
    broker: Broker
    server: Server
    prefix: str = "bench."
    partitions: int = PARTITIONS
    made: list[str] = field(default_factory=list)
    settled: dict[str, str] = field(default_factory=dict)
    """PostgreSQL's settings for the whole run, over the stack's own."""

    @property
    def postgres_pid(self) -> int:
        assert self.postgres.process is not None
        return self.postgres.process.pid

    @property
    def broker_pid(self) -> int:
        assert self.broker.process is not None
        return self.broker.process.pid

    def settings(self, prefix: str | None = None) -> Settings:
        """The broker as clients are told of it."""
        return Settings.model_validate(
            {
                "environment": "embedded",
                "kafka_bootstrap": self.broker.bootstrap,
                "broker": self.broker.name,
                "broker_incarnation": self.broker.incarnation,
                "topic_prefix": self.prefix if prefix is None else prefix,
                "topic_partitions": self.partitions,
            }
        )

    def dsn(self, role: str, database: str) -> str:
        """The address of one of the databases."""
        if role == "postgres":
            return self.postgres.superuser_dsn.rpartition("/")[0] + f"/{database}"
        return self.server.dsn(role, database)

    async def make_template(self, history: History | None) -> None:
        """All three schemas, business time at the end of the history, and what recruitment would hold as published."""
        await ops_database.bootstrap(
            self.postgres.superuser_dsn, TEMPLATE, driven_time=True, passwords=self.server.passwords
        )
        for service in SERVICES:
            dsn = self.server.dsn(f"{service}_owner", TEMPLATE)
            await migrate(dsn, service, f"{service}_app", ROOT / "services" / service / "migrations")
        await ops_database.set_now(self.server.dsn("clock_driver", TEMPLATE), END)
        conn: Any = await asyncpg.connect(self.dsn("postgres", TEMPLATE))
        try:
            await conn.execute(SQL["limit_tables"])
            if history is not None:
                await publish(conn, history)
                await conn.execute(SQL["analyze_published"])
        finally:
            await conn.close()

    async def fresh(self, name: str, template: str = TEMPLATE) -> str:
        """A database for one round; returns its name."""
        async with self.superuser() as conn:
            await ops_database.drop_database(conn, name)
            await ops_database.copy_database(conn, template, name)
        await self.checkpoint()
        self.made.append(name)
        return name

    async def restart(self, settings: dict[str, str]) -> None:
        """Run the server with further settings, and without those of an earlier restart."""
        await self.postgres.stop(patience=60)
        self.postgres.settings = self.settled | settings
        await self.postgres.start()

    async def drop(self, name: str) -> None:
        """Give its room back."""
        async with self.superuser() as conn:
            await ops_database.drop_database(conn, name)

    @asynccontextmanager
    async def superuser(self) -> AsyncIterator[Any]:
        """A superuser's connection to the maintenance database."""
        conn: Any = await asyncpg.connect(self.postgres.superuser_dsn, timeout=60)
        try:
            yield conn
        finally:
            await conn.close()

    async def checkpoint(self) -> None:
        """Let what was written before be flushed before something else is measured."""
        async with self.superuser() as conn:
            await conn.execute(SQL["checkpoint"], timeout=600)

    async def fill(self, messages: Sequence[Sent], prefix: str | None = None) -> None:
        """Put the messages on the attendance topic, each into its partition, in order."""
        settings = self.settings(prefix)
        await ensure_topics(settings)
        name = topic_name(settings, "attendance")
        producer = AIOKafkaProducer(
            **client_options(settings), enable_idempotence=False, linger_ms=20, max_batch_size=262_144
        )
        await producer.start()
        try:
            for start in range(0, len(messages), 5000):
                sent = [
                    await producer.send(name, one.value, key=one.key, partition=one.partition, headers=one.headers())
                    for one in messages[start : start + 5000]
                ]
                for future in sent:
                    await future
        finally:
            await producer.stop()


def add_settings(parser: argparse.ArgumentParser) -> None:
    """The option ``--postgres name=value,…``; what is parsed is what `rigged` takes."""

    def pairs(text: str) -> list[tuple[str, str]]:
        found = [(name.strip(), value) for name, _, value in (one.partition("=") for one in text.split(",")) if name]
        if any(not value for _, value in found):
            raise argparse.ArgumentTypeError("name=value is expected, several of them separated by commas")
        return found

    parser.add_argument(
        "--postgres",
        type=pairs,
        default=[],
        metavar="NAME=VALUE,…",
        help="PostgreSQL's settings over the stack's own",
    )


async def publish(conn: Any, history: History) -> None:
    """Load every revision of the history as recruitment's, for A3."""
    await conn.execute(SQL["statement_skip_triggers"])
    await conn.copy_records_to_table(
        "attendance_revisions",
        schema_name="recruitment",
        columns=_PUBLISHED,
        records=((*record, record.ended_at, "upload") for record in history.published),
        timeout=600,
    )


async def committed(admin: AIOKafkaAdminClient, settings: Settings, group: str, entity: str = "attendance") -> int:
    """How many records of a topic a group has committed, over all partitions; 0 while nobody knows the group yet."""
    name = topic_name(settings, entity)
    partitions = [TopicPartition(name, number) for number in range(PARTITIONS)]
    try:
        found = await admin.list_consumer_group_offsets(f"{settings.topic_prefix}{group}", partitions=partitions)
    except GroupCoordinatorNotAvailableError:
        return 0
    return sum(max(0, one.offset) for one in found.values())


@asynccontextmanager
async def rigged(name: str, settings: Iterable[tuple[str, str]] = ()) -> AsyncIterator[Rig]:
    """Servers of one's own; nothing is left behind. ``name``: a folder under var/bench. ``settings``: of PostgreSQL,
    where they are not to be the stack's.

    Raises:
        StackError: one of them does not come up.
    """
    _forget_dead(VAR)
    directory = VAR / f"{name}-{os.getpid()}"
    directory.mkdir(parents=True, exist_ok=True)
    secrets = make_secrets()
    postgres = Postgres(directory / "postgres", directory / "postgres.log", secrets.passwords["postgres"])
    # Off by default; it tells exactly when each transaction was committed.
    postgres.settings = settled = {"track_commit_timestamp": "on", **dict(settings)}
    broker = make_broker(os.environ.get("BROKER") or "embedded", directory / "broker")
    try:
        await postgres.start()
        await broker.start(topic_prefix="stack.")
        server = Server("127.0.0.1", postgres.port, secrets.passwords)
        yield Rig(directory, postgres, broker, server, settled=settled)
    finally:
        await broker.stop()
        await postgres.stop(patience=30)
        forget(directory / "postgres")
        shutil.rmtree(directory, ignore_errors=True)


def _forget_dead(var: Path) -> None:
    """What runs that were killed left behind."""
    for left in var.glob("*-*"):
        number = left.name.rpartition("-")[2]
        if left.is_dir() and number.isdigit() and not alive(int(number)):
            forget(left / "postgres")
            shutil.rmtree(left, ignore_errors=True)
