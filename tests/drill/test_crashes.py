"""A PostgreSQL server that crashes with commits in its buffers that it has not flushed. The ingest does not wait for
the flush of its commits: what a crash takes back, it must do again.
"""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from dev.bench.history import PARTITIONS
from dev.bench.rig import committed
from dev.stack.broker import Broker
from dev.stack.processes import ChildProcess
from services.operations.events.stream import GROUP as INDEX
from services.points.ingest.stream import GROUP, IngestStream
from shared.errors import TransientError
from shared.ids import new_id
from shared.kafka.topics import ensure_topics, topic_name
from shared.outbox.relay import Relay
from shared.postgres import Database
from shared.postgres.durability import DurabilityBarrier
from tests.drill.conftest import Drill
from tests.drill.lanes import Flow, Lane, lane
from tests.support.brokers import TestBroker
from tests.support.databases import PostgresServer, running_postgres
from tests.support.roles import role
from tests.support.settings import SettingsFactory
from tests.support.waiting import WAIT_LIMIT, eventually

pytestmark = pytest.mark.broker
CHUNK = 240
LAZY = {"wal_writer_delay": "10s", "checkpoint_timeout": "1h"}
"""It flushes when it is asked to, and hardly ever by itself."""


@pytest.fixture(scope="module")
async def lazy_server() -> AsyncIterator[PostgresServer]:
    """A server of one's own, which these tests may crash."""
    async with running_postgres("crashing", durable=True, settings=LAZY) as server:
        await server.migrate_template()
        yield server


async def crash(server: PostgresServer) -> None:
    """Kill a session: the server ends all of them, forgets its buffers, and recovers from what was flushed."""
    conn: Any = await asyncpg.connect(server.superuser_dsn)
    os.kill(await conn.fetchval("select pg_backend_pid()"), signal.SIGKILL)
    conn.terminate()
    await eventually(lambda: _answers(server), what="the server to recover")


async def _answers(server: PostgresServer) -> bool:
    try:
        conn: Any = await asyncpg.connect(server.superuser_dsn)
        await conn.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return True


async def applied(found: Lane) -> int:
    """Revisions that are in the ledger, flushed or not."""
    async with found.stage.database.snapshot() as tx:
        sql = "select (select count(*) from records) + (select count(*) from superseded_revisions)"
        return int(await tx.fetchval(sql) or 0)


async def told(found: Lane, admin: AIOKafkaAdminClient) -> bool:
    """Whether the broker knows that everything sent is done."""
    return await committed(admin, found.settings, GROUP) == found.sent


async def test_a_crashed_server_takes_back_nothing_for_good(
    lazy_server: PostgresServer, broker_server: Broker, tmp_path: Path, drill: Drill
) -> None:
    crashes = drill.size(full=10, part=2)
    flow, taken_back = Flow.drawn(drill.random("crashes"), CHUNK * (crashes + 1)), []
    async with lane(lazy_server, broker_server, tmp_path, flow, PARTITIONS) as found:
        admin = AIOKafkaAdminClient(bootstrap_servers=found.settings.kafka_bootstrap)
        await admin.start()
        for number in range(crashes):
            async with role(found.settings, "worker", log_level="CRITICAL") as process:
                await found.send(CHUNK)
                due = len({(one.record_id, one.revision) for one in flow.revisions_of(found.sent)})
                what = partial(_has, found, due) if number % 2 else partial(told, found, admin)
                await eventually(what, every=0.01, what=f"{what.func.__name__} {CHUNK} more messages")
                await crash(lazy_server)
                # It ends by itself, unless the broker knows of everything.
                await eventually(partial(_ended_or_told, process, found, admin))
                alive = process.returncode is None
                if alive:
                    process.send_signal(signal.SIGTERM)
                code = await asyncio.wait_for(process.wait(), WAIT_LIMIT)
                assert alive or code != 0, "who may have lost commits begins again"
            taken_back.append(due - await applied(found))
            assert not (alive and taken_back[-1]), "offsets were committed of what could still be lost"
            await found.stage.reconnect()
            await found.stage.audit_under_way()
        await found.send(len(flow.messages))
        async with role(found.settings, "worker") as process:
            await found.settled()
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), WAIT_LIMIT) == 0
        await found.stands()
        await admin.close()
    drill.done("PostgreSQL crashed", crashes, revisions_taken_back=taken_back)


async def _has(found: Lane, due: int) -> bool:
    return await applied(found) == due


async def _ended_or_told(process: ChildProcess, found: Lane, admin: AIOKafkaAdminClient) -> bool:
    return process.returncode is not None or await told(found, admin)


async def test_only_what_was_secured_outlives_a_crash(lazy_server: PostgresServer) -> None:
    async with lazy_server.copy() as copied:
        dsn = copied.dsn_for("postgres")
        database = await Database.open(dsn, "public", synchronous_commit=False)
        try:
            async with database.transaction() as tx:
                await tx.execute("create table kept (number int)")
            for number in (1, 2):
                witness = DurabilityBarrier(database, "test")
                await witness.begin()
                await _write(database, number)
                await witness.secure()
                await _write(database, -number)
                await crash(lazy_server)
                with pytest.raises(TransientError, match="may have taken back"):
                    await witness.secure()
                with pytest.raises(TransientError, match="may have taken back"):
                    await witness.secure()
                await witness.close()
                assert await _kept(dsn) == list(range(1, number + 1))
        finally:
            await database.close()


async def test_what_a_relay_has_sent_is_not_taken_back(
    lazy_server: PostgresServer, broker_server: Broker, tmp_path: Path
) -> None:
    flow = Flow.drawn(random.Random(1), CHUNK)
    async with lane(lazy_server, broker_server, tmp_path, flow, PARTITIONS) as found:
        database = await Database.open(found.stage.database.dsn, "points", synchronous_commit=False)
        relay, stop = Relay(database, found.settings, secure=True), asyncio.Event()
        sending = asyncio.create_task(relay.run(stop))
        try:
            await IngestStream(database, found.stage.stream.policy).handle(flow.messages[:20])
            await eventually(lambda: relay.sent > 0, every=0.01, what="an event to be sent")
            sent = relay.sent
            await crash(lazy_server)
        finally:
            stop.set()
            await asyncio.wait_for(sending, WAIT_LIMIT)
            await database.close()
        assert await applied(found) > 0
        async with found.stage.database.snapshot() as tx:
            assert await tx.fetchval("select count(*) from outbox") >= sent
        await found.stage.reconnect()


async def test_a_crashed_server_takes_back_nothing_of_the_index_that_the_broker_takes_for_read(
    lazy_server: PostgresServer, broker_server: Broker, tmp_path: Path
) -> None:
    prefix = f"t{new_id().hex}."
    running = TestBroker(broker_server.name, broker_server.bootstrap, broker_server.incarnation, prefix)
    async with lazy_server.copy() as copied:
        settings = SettingsFactory(tmp_path, copied, running, topic_partitions=PARTITIONS)(
            "operations", index_gather_ms=0
        )
        await ensure_topics(settings)
        topic = topic_name(settings, "points")
        records = [b'{"number": %d}' % number for number in range(2 * CHUNK)]
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
        await admin.start()

        async def send(part: list[bytes]) -> None:
            producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, enable_idempotence=False)
            await producer.start()
            try:
                for number, value in enumerate(part):
                    await producer.send(topic, value, partition=number % 2)
                await producer.flush()
            finally:
                await producer.stop()

        async def read(due: int) -> bool:
            return await committed(admin, settings, INDEX, "points") == due

        async def indexed(due: int) -> bool:
            async with copied.connect("operations") as database:
                return bool(await database.pool.fetchval("select count(*) from events") == due)

        async with role(settings, "worker", log_level="CRITICAL") as process:
            await send(records[:CHUNK])
            await eventually(partial(read, CHUNK))
            await crash(lazy_server)
            assert await indexed(CHUNK), "offsets were committed of what could still be lost"
            assert await asyncio.wait_for(process.wait(), WAIT_LIMIT) != 0, "who may have lost commits begins again"
        async with role(settings, "worker", log_level="CRITICAL"):
            await send(records[CHUNK:])
            await eventually(partial(indexed, 2 * CHUNK))
        await admin.close()


async def _write(database: Database, number: int) -> None:
    for attempt in range(5):
        try:
            async with database.transaction() as tx:
                await tx.execute("insert into kept values ($1)", number)
            return
        except TransientError:
            assert attempt < 4, "the pool finds no living session"


async def _kept(dsn: str) -> list[int]:
    conn: Any = await asyncpg.connect(dsn)
    try:
        return [row[0] for row in await conn.fetch("select number from kept order by number")]
    finally:
        await conn.close()
