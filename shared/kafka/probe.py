"""Is the broker there? What ``/readyz`` asks, also in roles that hold no Kafka client."""

import asyncio

from shared.errors import TransientError
from shared.settings import Settings

__all__ = ["broker_ready"]

SECONDS = 1.5


async def broker_ready(settings: Settings) -> None:
    """Open and close a connection to one of the bootstrap addresses.

    Raises:
        TransientError: none of them accepts one.
    """
    for address in settings.kafka_bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            async with asyncio.timeout(SECONDS):
                _, writer = await asyncio.open_connection(host, int(port))
            writer.close()
            return
        except (OSError, TimeoutError, ValueError):
            continue
    raise TransientError(f"the broker at {settings.kafka_bootstrap} accepts no connection")
