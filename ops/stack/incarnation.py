"""Make a broker fit to be revealed: its topics, and on the control topic which life of its log this is."""

import asyncio

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from ops.stack.errors import StackError
from shared.kafka.client import client_options
from shared.kafka.topics import CONTROL_TOPIC, ensure_topics, topic_name
from shared.settings import Settings

__all__ = ["announce", "answers"]


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


async def announce(settings: Settings) -> None:
    """Create the topics and write `settings.broker_incarnation` to the control topic, before any client is told of it.

    Raises:
        StackError: the broker refuses the record.
        TransientError: the broker refuses the topics.
    """
    await ensure_topics(settings, attempts=100)
    producer = AIOKafkaProducer(
        **client_options(settings), acks="all", enable_idempotence=False, request_timeout_ms=10_000
    )
    try:
        await producer.start()
        await producer.send_and_wait(
            topic_name(settings, CONTROL_TOPIC), key=b"incarnation", value=settings.broker_incarnation.encode()
        )
    except (KafkaError, OSError) as error:
        raise StackError(
            f"the broker at {settings.kafka_bootstrap} does not take the control record: {error}"
        ) from error
    finally:
        await producer.stop()
