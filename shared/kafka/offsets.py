"""The offsets of a consumer: processed, and of these committed.

A hint, and never ahead of what
is safe.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from shared.errors import TransientError

__all__ = ["Offsets", "Secure"]

log = structlog.get_logger(__name__)

PATIENCE = 5.0
Secure = Callable[[], Awaitable[None]]


class Offsets:
    """The offsets of one consumer; ``done`` names of each partition the first record that is not done.

    Args:
        secure: makes sure that what is processed outlives a crash, before it is committed.
    """

    def __init__(self, group: str, secure: Secure | None = None) -> None:
        self.group = group
        self.processed: dict[TopicPartition, int] = {}
        self.committed: dict[TopicPartition, int] = {}
        self._secure = secure

    async def commit(self, consumer: Any) -> None:
        """Commit the offsets processed in the partitions that are owned now, where they changed.

        Raises:
            TransientError: it may have been taken back.
        """
        owned = consumer.assignment()
        offsets = {
            partition: offset
            for partition, offset in self.processed.items()
            if partition in owned and self.committed.get(partition) != offset
        }
        if not offsets:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                if self._secure is not None:
                    await self._secure()
                await consumer.commit(offsets)
            self.committed.update(offsets)
        except (KafkaError, TimeoutError) as error:
            log.info("offsets.commit_failed", group=self.group, reason=str(error) or type(error).__name__)

    async def commit_last(self, consumer: Any) -> None:
        """Commit, unless PostgreSQL may have lost what was applied: that is read again."""
        with contextlib.suppress(TransientError):
            await self.commit(consumer)

    async def leave(self, consumer: Any) -> None:
        """Partitions are taken away: commit what is done, and forget it, because others go on from there."""
        await self.commit_last(consumer)
        self.processed.clear()
        self.committed.clear()
