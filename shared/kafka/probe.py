"""Is the broker there? What ``/readyz`` asks, also in roles that hold no Kafka client."""

import asyncio

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from shared.errors import TransientError
from shared.kafka.client import client_options
from shared.settings import Settings

__all__ = ["broker_ready"]

CONNECT_SECONDS = 1.5
AUTHENTICATE_SECONDS = 3.0


async def broker_ready(settings: Settings) -> None:
    """Open and close a connection to one of the bootstrap addresses, authenticated where this process has credentials.

    Raises:
        TransientError: none of them accepts one.
    """
    if settings.kafka_security.startswith("sasl") and settings.kafka_user:
        await _authenticate(settings)
    else:
        await _connect(settings)


async def _connect(settings: Settings) -> None:
    for address in settings.kafka_bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, writer = await asyncio.open_connection(host, int(port))
            writer.close()
            return
        except (OSError, TimeoutError, ValueError):
            continue
    raise TransientError(f"the broker at {settings.kafka_bootstrap} accepts no connection")


async def _authenticate(settings: Settings) -> None:
    client = AIOKafkaClient(**client_options(settings), client_id=f"weiguang-{settings.service}-probe")
    try:
        async with asyncio.timeout(AUTHENTICATE_SECONDS):
            await client.bootstrap()
    except (KafkaError, OSError, TimeoutError) as error:
        raise TransientError(
            f"the broker at {settings.kafka_bootstrap} accepts no connection of {settings.kafka_user}"
        ) from error
    finally:
        await client.close()
