"""A broker per session, embedded or Apache Kafka, and a topic prefix per test."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from dev.stack.broker import Broker, make_broker
from dev.stack.kafka import ADMIN
from tests.support.databases import ROOT

__all__ = ["TestBroker", "broker_name", "running_broker", "secured_properties"]


@dataclass(frozen=True, slots=True)
class TestBroker:
    """What a test needs to know of its broker; its topics bear the prefix."""

    __test__ = False

    name: str
    bootstrap: str
    incarnation: str
    topic_prefix: str


def broker_name() -> str:
    """`embedded`, or `kafka` with BROKER=kafka."""
    return os.environ.get("BROKER") or "embedded"


@asynccontextmanager
async def running_broker() -> AsyncIterator[Broker]:
    """A broker for this test session alone; its log is gone afterwards."""
    var = ROOT / "var" / "tests" / f"broker-{os.getpid()}"
    broker = make_broker(broker_name(), var, partitions=1)
    try:
        await broker.start(topic_prefix="session.")
        yield broker
    finally:
        await broker.stop()
        shutil.rmtree(var, ignore_errors=True)


def secured_properties(admin_password: str) -> dict[str, str]:
    """Properties of a broker that authenticates everyone by SASL and authorizes by ACLs alone.

    The super user is known by the broker's own file (PLAIN), as it must exist before there is anything to store;
    services are SCRAM users, which the super user creates.
    """
    plain = (
        "org.apache.kafka.common.security.plain.PlainLoginModule required "
        f'username="{ADMIN}" password="{admin_password}" user_{ADMIN}="{admin_password}";'
    )
    return {
        "listeners": "BUS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": "BUS://127.0.0.1:{port}",
        "listener.security.protocol.map": "BUS:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
        "inter.broker.listener.name": "BUS",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.bus.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "listener.name.bus.plain.sasl.jaas.config": plain,
        "listener.name.bus.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": plain,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ADMIN}",
        "allow.everyone.if.no.acl.found": "false",
    }
