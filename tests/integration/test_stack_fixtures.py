"""The fixtures keep tests apart, and the database keeps the services apart."""

from collections.abc import Callable
from datetime import UTC, datetime

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from ops.database import SERVICES, bootstrap
from shared.errors import PermanentError
from shared.kafka.topics import topic_name
from shared.postgres import Database
from tests.support.brokers import TestBroker
from tests.support.databases import Clock, PostgresServer
from tests.support.settings import SettingsFactory


@pytest.mark.parametrize("_round", [1, 2])
async def test_each_test_has_a_database_of_its_own(points_db: Database, _round: int) -> None:
    async with points_db.transaction() as tx:
        assert await tx.fetchval("select count(*) from relay_state") == 0
        await tx.execute("insert into relay_state (incarnation) values ('x')")


async def test_no_service_reads_anothers_schema(dsn_for: Callable[[str], str]) -> None:
    for service in SERVICES:
        for kind in ("app", "owner"):
            conn = await asyncpg.connect(dsn_for(f"{service}_{kind}"))
            try:
                for other in set(SERVICES) - {service}:
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await conn.fetch(f"select * from {other}.outbox")
            finally:
                await conn.close()


async def test_the_auditor_reads_everything_and_writes_nothing(dsn_for: Callable[[str], str]) -> None:
    conn = await asyncpg.connect(dsn_for("auditor"))
    try:
        for service in SERVICES:
            await conn.fetch(f"select * from {service}.outbox")
            with pytest.raises((asyncpg.ReadOnlySQLTransactionError, asyncpg.InsufficientPrivilegeError)):
                await conn.execute(f"delete from {service}.outbox")
            await conn.execute("set default_transaction_read_only = off")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await conn.execute(f"delete from {service}.outbox")
    finally:
        await conn.close()


async def test_business_time_is_driven_by_its_driver_alone(
    clock: Clock, notify_db: Database, dsn_for: Callable[[str], str]
) -> None:
    at = datetime(2026, 3, 4, 12, tzinfo=UTC)
    await clock.set(at)
    async with notify_db.transaction() as tx:
        assert await tx.now() == at
    await clock.set(None)
    async with notify_db.transaction() as tx:
        assert abs((await tx.now() - datetime.now(UTC)).total_seconds()) < 60
    conn = await asyncpg.connect(dsn_for("notify_app"))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.execute("select business.set_now(null)")
    finally:
        await conn.close()


async def test_a_production_database_refuses_to_be_driven(postgres_server: PostgresServer) -> None:
    passwords = postgres_server.server.passwords
    async with postgres_server.empty() as database:
        await bootstrap(postgres_server.superuser_dsn, database.name, driven_time=False, passwords=passwords)
        with pytest.raises(PermanentError):
            await bootstrap(postgres_server.superuser_dsn, database.name, driven_time=True, passwords=passwords)
        conn = await asyncpg.connect(database.dsn_for("postgres"))
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await conn.execute("select business.set_now(now())")
        finally:
            await conn.close()


@pytest.mark.broker
async def test_a_record_comes_back_from_the_tests_own_topic(broker: TestBroker, settings_for: SettingsFactory) -> None:
    topic = topic_name(settings_for("notify"), "badges")
    assert topic.startswith(broker.topic_prefix)
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, enable_idempotence=False)
    await producer.start()
    try:
        await producer.send_and_wait(topic, b"value", key=b"key")
    finally:
        await producer.stop()
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        assert (await consumer.getone()).value == b"value"
    finally:
        await consumer.stop()
