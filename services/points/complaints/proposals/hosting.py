"""The consumer of complaints in ratings, for the process that hosts it; small and in no hurry."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from services.points.complaints.proposals.stream import GROUP, TOPICS, OrderComplaintStream
from services.points.settings import PointsSettings
from shared.kafka.consumer import BatchConsumer
from shared.operators.control import DatabaseControl
from shared.postgres import Database

__all__ = ["keeping_complaints"]

BATCH, FETCH_BYTES = 100, 65_536
FETCH_WAIT_MS, GATHER_MS = 500, 1000


def keeping_complaints(settings: PointsSettings, db: Database) -> Callable[[asyncio.Event], Coroutine[Any, Any, None]]:
    """The work, which goes on until the event is set."""
    stream = OrderComplaintStream(db)
    consumer = BatchConsumer(
        settings,
        topics=TOPICS,
        group=GROUP,
        handle=stream.handle,
        dead_letter=stream.dead_letter,
        max_records=BATCH,
        fetch_wait_ms=FETCH_WAIT_MS,
        fetch_bytes=FETCH_BYTES,
        gather_ms=GATHER_MS,
        patience=settings.watchdog_seconds,
        control=DatabaseControl(db, GROUP),
    )
    return consumer.run
