"""The live view's agents as a process, and the events that it counts."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from dev.stack.forking import spawn
from dev.stack.processes import ChildProcess, free_port
from services.operations.settings import OperationsSettings
from shared.cloudevents import decode, encode
from shared.contracts import AttendanceRecorded, Contract, PulseTick
from shared.ids import new_id
from shared.kafka.topics import topic_name
from shared.outbox import event
from tests.support.waiting import WAIT_LIMIT, eventually

__all__ = ["NOW", "Agents", "agents_on", "service"]

NOW = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)


def service(site: UUID, drive: UUID | None = None, **more: Any) -> AttendanceRecorded:
    values: dict[str, Any] = {
        "record_id": new_id(),
        "revision": 2,
        "volunteer_id": new_id(),
        "site_id": site,
        "drive_id": drive,
        "theme": "t",
        "kind": "k",
        "provenance": "scanned",
        "closed_by": "self",
        "status": "confirmed",
        "started_at": NOW,
        "ended_at": NOW,
        "minutes": 60,
    }
    return AttendanceRecorded(**{**values, **more})


@dataclass
class Agents:
    """The process, its topics, and the last tick that it told."""

    settings: OperationsSettings
    producer: Any
    consumer: Any
    process: ChildProcess | None = None
    port: int = field(default_factory=free_port)

    async def send(
        self, data: Contract, *, age: float = 0.0, value: bytes | None = None, topic: str | None = None
    ) -> None:
        headers, encoded = encode(event(data, source="test", aggregate_version=1))
        await self.producer.send_and_wait(
            topic_name(self.settings, topic or data.topic),
            value or encoded,
            key=str(new_id()).encode(),
            headers=headers,
            timestamp_ms=int((time.time() - age) * 1000),
        )

    async def tick(self) -> PulseTick | None:
        """The newest tick, if a new one was told."""
        found = None
        for records in (await self.consumer.getmany(timeout_ms=200)).values():
            for record in records:
                found = decode(record.headers, record.value).data
        assert found is None or isinstance(found, PulseTick)
        return found

    async def minute(self, records: int, points: int) -> PulseTick:
        """Wait until a tick says this."""

        async def probe() -> PulseTick | None:
            tick = await self.tick()
            if tick is None:
                return None
            told = (tick.records_per_minute, tick.points_per_minute)
            seen.append(told)
            return tick if told == (records, points) else None

        seen: list[tuple[int, int]] = []
        try:
            tick: PulseTick = await eventually(probe)
        except AssertionError as error:
            raise AssertionError(f"no tick of {(records, points)}, but {seen}") from error
        return tick

    async def start(self) -> None:
        environment = dict(os.environ)
        for name, value in self.settings.model_dump(mode="json").items():
            if value is not None:
                environment[f"WEIGUANG_{name.upper()}"] = value if isinstance(value, str) else json.dumps(value)
        environment["WEIGUANG_AUTH_SIGNING_KEY"] = ""
        environment["WEIGUANG_OPS_PORT"] = str(self.port)
        self.process = await spawn([sys.executable, "-m", "services.operations", "agents"], env=environment)
        await eventually(self._ready)

    async def _ready(self) -> bool:
        assert self.process is not None
        if self.process.returncode is not None:
            raise RuntimeError(f"the agents ended with {self.process.returncode}")
        async with httpx.AsyncClient(timeout=WAIT_LIMIT) as client:
            try:
                return (await client.get(f"http://127.0.0.1:{self.port}/readyz")).status_code == 200
            except httpx.HTTPError:
                return False

    async def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), WAIT_LIMIT)


@asynccontextmanager
async def agents_on(settings: OperationsSettings) -> AsyncIterator[Agents]:
    idempotent = settings.broker == "kafka"
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, enable_idempotence=idempotent)
    consumer = AIOKafkaConsumer(
        topic_name(settings, "pulse"), bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest"
    )
    await producer.start()
    await consumer.start()
    running = Agents(settings, producer, consumer)
    try:
        yield running
    finally:
        if running.process is not None and running.process.returncode is None:
            running.process.kill()
            await running.process.wait()
        await consumer.stop()
        await producer.stop()
