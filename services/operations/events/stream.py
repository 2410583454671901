"""Kafka in: every record of every topic becomes a row of the index."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

import structlog

from services.operations.events import handlers
from services.operations.events.domain import IndexedEvent
from services.operations.events.reading import as_bytes, read, reduce
from shared.clock import real_now
from shared.errors import TransientError
from shared.kafka.consumer import Message
from shared.kafka.topics import INDEXED
from shared.postgres import Database

__all__ = ["GROUP", "TOPICS", "IndexStream"]

GROUP = "operations-index"
TOPICS = INDEXED
_log = structlog.get_logger(__name__)


class IndexStream:
    """Indexes batches, one after the other.

    Args:
        incarnation: the broker's log that is read; offsets of another one are other places.
        days: what is older by the broker's time is not indexed again after the index has dropped it.
    """

    def __init__(self, db: Database, incarnation: str, days: int, clock: Callable[[], datetime] = real_now) -> None:
        self._db = db
        self._incarnation = incarnation
        self._days = days
        self._clock = clock
        self._prepared: set[date] = set()
        self._turn = asyncio.Lock()

    async def handle(self, messages: Sequence[Message]) -> None:
        """Index a batch in one transaction.

        Raises:
            TransientError: the database is away; the same batch may be given again.
        """
        await self._index([read(message) for message in messages])

    async def dead_letter(self, message: Message, error: Exception) -> None:
        """Index a record that failed: with its value as bytes, or else its place, sizes and hashes alone."""
        if message.unreadable_to is not None:
            await self._index([read(message)])
            return
        try:
            await self._index([as_bytes(message, error)])
        except TransientError:
            raise
        except Exception as refused:  # noqa: BLE001 - whatever a record holds, it must not stop its partition
            _log.warning("index.record_reduced", topic=message.topic, offset=message.offset, error=str(refused))
            await self._index([reduce(message, refused)])

    async def _index(self, batch: Sequence[IndexedEvent]) -> None:
        async with self._turn:
            now = self._clock()
            today = now.date()
            if today not in self._prepared:
                await handlers.prepare_days(self._db, today, today + timedelta(days=1))
                self._prepared = {today}
            oldest = now - timedelta(days=self._days)
            kept = [event for event in batch if event.broker_time is None or event.broker_time >= oldest]
            if kept:
                async with self._db.transaction() as tx:
                    await handlers.index(tx, kept, incarnation=self._incarnation, arrived_at=now)
