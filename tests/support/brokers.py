"""A broker per session, embedded or Apache Kafka, and a topic prefix per test."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from dev.stack.broker import Broker, make_broker
from tests.support.databases import ROOT

__all__ = ["TestBroker", "broker_name", "running_broker"]


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
