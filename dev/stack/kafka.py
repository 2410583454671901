"""Apache Kafka in KRaft mode, one node that is broker and controller, its log on disk."""

import asyncio
import base64
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from dev.stack.errors import StackError
from dev.stack.incarnation import announce, answers
from dev.stack.jars import find_java, resolve_jars
from dev.stack.processes import free_port, spawn, stop
from shared.settings import Settings

__all__ = ["ADMIN", "KafkaBroker"]

_PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": "1@127.0.0.1:{controller}",
    "controller.listener.names": "CONTROLLER",
    "listeners": "PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
    "advertised.listeners": "PLAINTEXT://127.0.0.1:{port}",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "log.dirs": "{logs}",
    # topics come from the registry in code, never by accident
    "auto.create.topics.enable": "false",
    "log.retention.ms": "-1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "8",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    # one small machine, and back within seconds after a kill -9
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "log.cleaner.threads": "1",
}
"""Values may name the port, the controller's port and the directory of the log in braces."""

ADMIN = "admin"
"""The broker's super user, who provisions."""

_LOGGING = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="WARN">
  <Appenders><Console name="out"><PatternLayout pattern="%d{ISO8601} %p %c{1} %m%n"/></Console></Appenders>
  <Loggers><Root level="WARN"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
"""


class KafkaBroker:
    """Apache Kafka; its port is kept over restarts, as its log is.

    Args:
        properties: the broker's own, over those that a small machine needs.
        client: settings of the clients that may create topics, where the broker asks for credentials.
    """

    name = "kafka"
    version = "Apache Kafka 4.1 (KRaft, log on disk)"

    def __init__(
        self,
        directory: Path,
        log: Path,
        *,
        properties: Mapping[str, str] | None = None,
        client: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.log = log
        self.client = dict(client or {})
        self._properties = {**_PROPERTIES, **(properties or {})}
        self.bootstrap = ""
        self.incarnation = ""
        self.process: asyncio.subprocess.Process | None = None
        self._controller = 0

    async def start(self, *, topic_prefix: str = "") -> None:
        """Raises StackError when Java or Maven is missing, or the broker does not come up."""
        java = await find_java()
        jars = await resolve_jars()
        if self.process is not None:
            await self.stop()
        if not self.bootstrap:
            self.bootstrap = f"127.0.0.1:{free_port()}"
            self._controller = free_port()
        properties = self._configure()
        command = [java, "-Xms192m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss512k"]
        command += [f"-Dlog4j2.configurationFile={self.directory / 'log4j2.xml'}", "-Djava.awt.headless=true"]
        command += ["-cp", f"{jars}/*"]
        await self._format(command, properties)
        self.process = await spawn([*command, "kafka.Kafka", str(properties)], log=self.log, env=_environment())
        if not await self._up():
            raise StackError(f"Apache Kafka does not answer on {self.bootstrap}: see {self.log}")
        await announce(self.settings(topic_prefix=topic_prefix))

    def settings(self, **more: Any) -> Settings:
        """Settings of a client of this broker that may create topics."""
        return Settings.model_validate(
            {
                "service": "stack",
                "environment": "embedded",
                "kafka_bootstrap": self.bootstrap,
                "broker": "kafka",
                "broker_incarnation": self.incarnation,
                **self.client,
                **more,
            }
        )

    def _configure(self) -> Path:
        self.directory.mkdir(parents=True, exist_ok=True)
        cluster = self.directory / "cluster-id"
        if not cluster.exists():
            identity = base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
            cluster.write_text("W" + identity[1:], encoding="utf-8")  # never a dash first: it would read as an option
        self.incarnation = f"kafka-{cluster.read_text(encoding='utf-8')}"
        (self.directory / "log4j2.xml").write_text(_LOGGING, encoding="utf-8")
        properties = self.directory / "server.properties"
        _, _, port = self.bootstrap.rpartition(":")
        places = {"{port}": port, "{controller}": str(self._controller), "{logs}": str(self.directory / "log")}
        lines = [f"{name}={_placed(value, places)}\n" for name, value in self._properties.items()]
        properties.touch(mode=0o600)  # it may hold the super user's password
        properties.write_text("".join(lines), encoding="utf-8")
        return properties

    async def _format(self, java: list[str], properties: Path) -> None:
        if (self.directory / "log" / "meta.properties").exists():
            return
        shutil.rmtree(self.directory / "log", ignore_errors=True)
        cluster = self.incarnation.removeprefix("kafka-")
        command = [*java, "kafka.tools.StorageTool", "format", "--cluster-id", cluster, "--config", str(properties)]
        process = await spawn(command, log=self.log, env=_environment())
        if await process.wait() != 0:
            raise StackError(f"Apache Kafka's log directory could not be formatted: see {self.log}")

    async def _up(self) -> bool:
        """Connections are taken before the broker has joined: the topics' creation waits for the rest."""
        assert self.process is not None
        up = asyncio.create_task(answers(self.bootstrap, timeout=60))
        died = asyncio.create_task(self.process.wait())
        await asyncio.wait({up, died}, return_when=asyncio.FIRST_COMPLETED)
        died.cancel()
        if not up.done():
            up.cancel()
            return False
        return up.result()

    async def stop(self) -> None:
        """Shut down in order; killed when that takes too long, which its log survives."""
        if self.process is not None:
            await stop(self.process, patience=4.0)
            self.process = None


def _placed(value: str, places: Mapping[str, str]) -> str:
    for name, place in places.items():
        value = value.replace(name, place)
    return value


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"}
