"""Make a broker fit to be revealed: its topics, and on the control topic which life of its log this is."""

import asyncio

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError

from dev.stack.errors import StackError
from shared.kafka.client import client_options
from shared.kafka.topics import CONTROL_TOPIC, ensure_topics, topic_name
from shared.settings import Settings

__all__ = ["announce", "answers"]

_PAUSE = 0.25


async def answers(bootstrap: str, timeout: float) -> bool:
    """Wait until the broker takes connections; False when it has not within `timeout` seconds."""
    host, _, port = bootstrap.rpartition(":")
    deadline = asyncio.get_running_loop().time() + timeout
    while asyncio.get_running_loop().time() < deadline:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        return True
    return False


async def announce(settings: Settings, *, patience: float = 60.0) -> None:
    """Create the topics and write `settings.broker_incarnation` to the control topic, before any client learns of it.

    A new topic may be without a known leader for a while, so the record is sent again for `patience` seconds.

    Raises:
        StackError: the broker refuses the record, or does not accept it in time.
        TransientError: the broker refuses the topics.
    """
    await ensure_topics(settings, attempts=100)
    clock = asyncio.get_running_loop().time
    deadline = clock() + patience
    while True:
        try:
            return await _send(settings)
        except (KafkaError, OSError) as error:
            if not _passes(error) or clock() >= deadline:
                raise StackError(
                    f"the broker at {settings.kafka_bootstrap} does not accept the control record: {error}"
                ) from error
        await asyncio.sleep(_PAUSE)


async def _send(settings: Settings) -> None:
    producer = AIOKafkaProducer(
        **client_options(settings), acks="all", enable_idempotence=False, request_timeout_ms=10_000
    )
    try:
        await producer.start()
        await producer.send_and_wait(
            topic_name(settings, CONTROL_TOPIC), key=b"incarnation", value=settings.broker_incarnation.encode()
        )
    finally:
        await producer.stop()


def _passes(error: Exception) -> bool:
    """Whether the cause may pass by itself, as an election or a restart does, and a refused password does not."""
    if isinstance(error, KafkaError):
        return error.retriable or isinstance(error, KafkaConnectionError | KafkaTimeoutError)
    return True
