"""Apache Kafka with SASL and permissions: each service does what the registry says, and nothing else."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import GroupAuthorizationFailedError, KafkaConnectionError, TopicAuthorizationFailedError

from dev.stack.kafka import ADMIN, KafkaBroker
from dev.stack.processes import free_port
from ops.kafka.acls import PRINCIPALS, Acl, Operation, Pattern, Resource, acls
from ops.kafka.admin import ensure_acls, ensure_users
from ops.provision import ProvisionSettings, provision_kafka
from services.web.pulse.tail import Tail
from shared import outbox
from shared.errors import PermanentError, TransientError
from shared.ids import new_id
from shared.kafka.client import client_options
from shared.kafka.consumer import BatchConsumer, Message
from shared.kafka.probe import broker_ready
from shared.kafka.topics import ensure_topics, topic_name
from shared.outbox.relay import Relay
from shared.postgres import Database
from shared.settings import Settings
from tests.integration.points.serving import record
from tests.support.brokers import broker_name, secured_properties
from tests.support.databases import ROOT
from tests.support.settings import SettingsFactory
from tests.support.waiting import WAIT_LIMIT, eventually

pytestmark = [
    pytest.mark.broker,
    pytest.mark.slow,
    pytest.mark.skipif(broker_name() != "kafka", reason="the embedded broker has no authentication"),
]
ADMIN_PASSWORD = "admin-secret"
PASSWORDS = {name: f"{name}-secret" for name in PRINCIPALS}


@dataclass(slots=True)
class Secured:
    """A broker with users and permissions, and settings to reach it as any of them."""

    broker: KafkaBroker
    differences: list[str] = field(default_factory=list)

    def values(self, user: str, password: str | None = None) -> dict[str, Any]:
        """The broker's part of a service's settings."""
        return {
            "broker": "kafka",
            "kafka_bootstrap": self.broker.bootstrap,
            "broker_incarnation": self.broker.incarnation,
            "topic_partitions": 2,
            "kafka_security": "sasl_plaintext",
            "kafka_user": user,
            "kafka_password": PASSWORDS[user] if password is None else password,
        }

    def options(self, user: str, password: str | None = None) -> dict[str, Any]:
        """Options of a bare client."""
        chosen = Settings.model_validate({"environment": "production", **self.values(user, password)})
        return {**client_options(chosen), "request_timeout_ms": 10_000}

    def admin(self, **more: Any) -> ProvisionSettings:
        """Settings of provisioning."""
        values = {"kafka_passwords": PASSWORDS, "topic_partitions": 2, **more}
        return ProvisionSettings.model_validate({**self.broker.settings().model_dump(), **values})

    async def write(self, user: str, entity: str) -> None:
        """Write one record as this user, and wait for the acknowledgement."""
        producer = AIOKafkaProducer(**self.options(user), acks="all")
        await producer.start()
        try:
            await asyncio.wait_for(producer.send_and_wait(name(entity), b"{}", key=b"k"), WAIT_LIMIT)
        finally:
            await producer.stop()

    async def read(self, user: str, entity: str) -> int:
        """Read the topic from its beginning, without a group; how many records."""
        consumer = AIOKafkaConsumer(name(entity), **self.options(user), auto_offset_reset="earliest")
        try:
            await asyncio.wait_for(consumer.start(), WAIT_LIMIT)
            return sum(len(found) for found in (await consumer.getmany(timeout_ms=5_000)).values())
        finally:
            await consumer.stop()


def name(entity: str) -> str:
    return topic_name(Settings(environment="test"), entity)


@pytest.fixture(scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Secured]:
    """A broker of its own, provisioned twice."""
    home = tmp_path_factory.mktemp("secured")
    client = {
        "kafka_security": "sasl_plaintext",
        "kafka_sasl_mechanism": "PLAIN",
        "kafka_user": ADMIN,
        "kafka_password": ADMIN_PASSWORD,
        "topic_partitions": "2",
    }
    broker = KafkaBroker(
        home / "kafka", home / "kafka.log", properties=secured_properties(ADMIN_PASSWORD), client=client
    )
    try:
        await broker.start()
        found = Secured(broker)
        found.differences = await provision_kafka(found.admin()) + await provision_kafka(found.admin())
        yield found
    finally:
        await broker.stop()


async def test_provisioning_again_changes_nothing(secured: Secured) -> None:
    assert secured.differences == []
    created, unplanned = await ensure_acls(secured.admin(), acls(secured.admin()))
    assert (created, unplanned) == (0, [])


@pytest.mark.parametrize("user", ["web", "points", "notify"])
async def test_attendance_is_written_by_recruitment_alone(secured: Secured, user: str) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        await secured.write(user, "attendance")
    await secured.write("recruitment", "attendance")
    assert await secured.read("points", "attendance") > 0


@pytest.mark.parametrize(
    ("user", "entity"), [("web", "attendance"), ("notify", "attendance"), ("recruitment", "points")]
)
async def test_a_topic_is_read_by_its_readers_alone(secured: Secured, user: str, entity: str) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        await secured.read(user, entity)


async def test_a_group_is_its_services_own(secured: Secured) -> None:
    consumer = AIOKafkaConsumer(name("points"), **secured.options("notify"), group_id="points-ingest")
    try:
        with pytest.raises(GroupAuthorizationFailedError):
            await consumer.start()
    finally:
        await consumer.stop()


async def test_a_wrong_password_and_none_at_all_are_refused(secured: Secured) -> None:
    open_options = {"bootstrap_servers": secured.broker.bootstrap, "request_timeout_ms": 3_000}
    for options in (secured.options("recruitment", "wrong"), secured.options("web", PASSWORDS["points"]), open_options):
        producer = AIOKafkaProducer(**options)
        try:
            with pytest.raises(KafkaConnectionError):
                await asyncio.wait_for(producer.start(), WAIT_LIMIT)
        finally:
            await producer.stop()


async def test_the_control_topic_is_closed_to_services(secured: Secured) -> None:
    for user in PRINCIPALS:
        with pytest.raises(TopicAuthorizationFailedError):
            await secured.write(user, "control")


async def test_relay_and_batch_consumer_work_as_their_services(
    secured: Secured, recruitment_db: Database, settings_for: SettingsFactory
) -> None:
    data = record(new_id())
    async with recruitment_db.transaction() as tx:
        await outbox.append(tx, outbox.event(data, source="test", aggregate_version=1))
    seen: list[Message] = []

    async def handle(batch: Sequence[Message]) -> None:
        seen.extend(batch)

    async def dead_letter(message: Message, error: Exception) -> None:
        raise AssertionError(f"nothing is poison here: {message} {error}")

    relay = Relay(recruitment_db, settings_for("recruitment", **secured.values("recruitment")))
    consumer = BatchConsumer(
        settings_for("points", **secured.values("points")),
        topics=["attendance"],
        group="points-ingest",
        handle=handle,
        dead_letter=dead_letter,
    )
    async with running(relay.run), running(consumer.run):
        await eventually(lambda: relay.sent == 1)
        await eventually(lambda: any(str(data.record_id).encode() in (one.value or b"") for one in seen))


async def test_a_consumer_with_a_wrong_password_says_so_and_ends(
    secured: Secured, settings_for: SettingsFactory
) -> None:
    async def never(*_: object) -> None:
        raise AssertionError("nothing can be read")

    values = secured.values("points", "wrong")
    consumer = BatchConsumer(
        settings_for("points", **values), topics=["attendance"], group="points-ingest", handle=never, dead_letter=never
    )
    with pytest.raises(TransientError, match=secured.broker.bootstrap):
        await asyncio.wait_for(consumer.run(asyncio.Event()), WAIT_LIMIT)


async def test_readiness_tells_a_wrong_password(secured: Secured, settings_for: SettingsFactory) -> None:
    await broker_ready(settings_for("points", **secured.values("points")))
    with pytest.raises(TransientError, match="accepts no connection of points"):
        await broker_ready(settings_for("points", **secured.values("points", "wrong")))
    without = {**secured.values("points"), "kafka_user": "", "kafka_password": ""}
    await broker_ready(settings_for("points", **without))


async def test_the_gateway_tails_the_pulse(secured: Secured, settings_for: SettingsFactory) -> None:
    ticks: list[bytes] = []
    tail = Tail(settings_for("web", **secured.values("web")), ticks.append)
    async with running(tail.run):
        await eventually(lambda: tail.connected)

        async def told() -> bool:
            await secured.write("operations", "pulse")
            return bool(ticks)

        await eventually(told)


@pytest.mark.parametrize(("service", "role"), [("operations", "agents")])
async def test_faust_makes_its_tables_as_its_service(
    secured: Secured, settings_for: SettingsFactory, points_db: Database, tmp_path: Path, service: str, role: str
) -> None:
    port = free_port()
    settings = settings_for(service, **secured.values(service), ops_port=port)
    log = tmp_path / f"{role}.log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"services.{service}",
            role,
            env=environment(settings),
            stdout=out,
            stderr=out,
            cwd=ROOT,
        )
    try:
        check = partial(ready, port)
        try:
            await eventually(check)
        except AssertionError:
            pytest.fail(log.read_text("utf-8")[-6000:])
        assert process.returncode is None
    finally:
        process.kill()
        await process.wait()


async def ready(port: int) -> bool:
    command = [sys.executable, "-m", "ops.healthcheck", f"http://127.0.0.1:{port}/readyz"]
    check = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stderr=asyncio.subprocess.DEVNULL)
    return await check.wait() == 0


def environment(settings: Settings) -> dict[str, str]:
    """The settings as a process reads them."""
    values = dict(os.environ)
    for key, value in settings.model_dump(mode="json", exclude_none=True).items():
        values[f"WEIGUANG_{key.upper()}"] = value if isinstance(value, str) else json.dumps(value)
    values["WEIGUANG_KAFKA_PASSWORD"] = settings.kafka_password.get_secret_value()
    values["WEIGUANG_AUTH_SIGNING_KEY"] = ""
    return values


async def test_what_differs_from_the_registry_is_reported(secured: Secured) -> None:
    beyond = Acl("web", Resource.TOPIC, Pattern.LITERAL, name("attendance"), Operation.WRITE)
    await ensure_acls(secured.admin(), [beyond])
    found = await provision_kafka(
        secured.admin(topic_partitions=3, kafka_min_insync_replicas=2, kafka_replication_factor=3)
    )
    assert f"topic {name('attendance')}: partitions is 2, the settings say 3" in found
    assert f"topic {name('attendance')}: replicas is 1, the settings say 3" in found
    assert f"topic {name('attendance')}: min.insync.replicas is 1, the settings say 2" in found
    assert not [sentence for sentence in found if name("pulse") in sentence and "partitions" in sentence]
    (permission,) = [sentence for sentence in found if "permission" in sentence]
    assert permission == f"permission beyond the registry: allow User:web from * to write topic {name('attendance')}"


async def test_a_broker_with_too_few_replicas_is_named(secured: Secured) -> None:
    chosen = secured.admin(topic_prefix="more.", kafka_replication_factor=3)
    with pytest.raises(TransientError, match="eplication factor"):
        await ensure_topics(chosen, attempts=1)


async def test_a_password_changes_with_the_next_provisioning(secured: Secured) -> None:
    await ensure_users(secured.admin(), {"notify": "another"})
    try:
        producer = AIOKafkaProducer(**secured.options("notify", "another"))
        await producer.start()
        await producer.stop()
    finally:
        await ensure_users(secured.admin(), PASSWORDS)
    with pytest.raises(PermanentError, match="no password for web"):
        await provision_kafka(secured.admin(kafka_passwords={key: "x" for key in PRINCIPALS if key != "web"}))


@asynccontextmanager
async def running(run: Callable[[asyncio.Event], Any]) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(run(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, WAIT_LIMIT)
