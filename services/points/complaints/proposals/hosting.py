"""The consumer of complaints in ratings, for the process that hosts it; small and in no hurry."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from services.points.complaints.proposals.stream import GROUP, TOPICS, OrderComplaintStream
from services.points.consuming import hosted_consumer
from services.points.settings import PointsSettings
from shared.postgres import Database

__all__ = ["keeping_complaints"]

BATCH, FETCH_BYTES = 100, 65_536
FETCH_WAIT_MS, GATHER_MS = 500, 1000


def keeping_complaints(settings: PointsSettings, db: Database) -> Callable[[asyncio.Event], Coroutine[Any, Any, None]]:
    """The work, which goes on until the event is set."""
    stream = OrderComplaintStream(db)
    consumer = hosted_consumer(
        settings,
        db,
        stream,
        topics=TOPICS,
        group=GROUP,
        batch=BATCH,
        fetch_bytes=FETCH_BYTES,
        fetch_wait_ms=FETCH_WAIT_MS,
        gather_ms=GATHER_MS,
    )
    return consumer.run
