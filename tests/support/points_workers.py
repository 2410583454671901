"""Roles of points as processes that a test starts and feeds."""

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer

from dev.stack.forking import spawn
from dev.stack.processes import ChildProcess
from shared.kafka.consumer import Message
from shared.kafka.topics import topic_name
from shared.settings import Settings

__all__ = ["running", "send"]


@asynccontextmanager
async def running(settings: Settings, role: str = "worker", **changes: str) -> AsyncIterator[ChildProcess]:
    """``python -m services.points <role>`` with these settings; killed at the end if it still runs."""
    values = settings.model_dump(mode="json", exclude={"auth_public_keys", "auth_signing_key", "service"})
    environment = {
        f"WEIGUANG_{name.upper()}": json.dumps(value) if isinstance(value, dict | list) else str(value)
        for name, value in values.items()
        if value is not None
    }
    command = [sys.executable, "-m", "services.points", role]
    process = await spawn(command, env={**os.environ, **environment, **changes})
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def send(settings: Settings, *messages: Message) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, enable_idempotence=False)
    await producer.start()
    try:
        for one in messages:
            await producer.send_and_wait(
                topic_name(settings, "attendance"), one.value, key=one.key, headers=list(one.headers)
            )
    finally:
        await producer.stop()
