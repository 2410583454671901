"""Integrity's follower, reviews and consumers, for the process that hosts them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from services.points.consuming import hosted_consumer
from services.points.ingest.handlers import Policy
from services.points.integrity import handlers
from services.points.integrity.following import IntegrityFollower
from services.points.integrity.patterns import stream as context_stream
from services.points.integrity.patterns.reviewing import review_patterns
from services.points.integrity.patterns.stream import ContextStream
from services.points.integrity.reviewing import review
from services.points.integrity.stream import GROUP, TOPICS, DenialStream
from services.points.settings import PointsSettings
from shared.postgres import Database
from shared.timers import run_timer

__all__ = ["following_records"]

FOLLOW_SECONDS, REVIEW_SECONDS, FORGET_SECONDS = 0.5, 600.0, 3600.0
BATCH, FETCH_BYTES = 200, 65_536
FETCH_WAIT_MS, GATHER_MS = 500, 500


async def following_records(
    settings: PointsSettings, db: Database, policy: Policy
) -> Callable[[asyncio.Event], Coroutine[Any, Any, None]]:
    """Install the thresholds; returns the work, which goes on until the event is set."""
    thresholds = await handlers.install(db)
    follower = IntegrityFollower(db, thresholds, policy)
    stream = DenialStream(db, thresholds, policy)
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

    context = hosted_consumer(
        settings,
        db,
        ContextStream(db),
        topics=context_stream.TOPICS,
        group=context_stream.GROUP,
        batch=BATCH,
        fetch_bytes=FETCH_BYTES,
        fetch_wait_ms=FETCH_WAIT_MS,
        gather_ms=GATHER_MS,
    )

    def caught_up() -> bool:
        places = context.report().partitions
        return bool(places) and all(one.position >= one.end for one in places)

    async def work(stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(consumer.run(stop))
            group.create_task(context.run(stop))
            group.create_task(run_timer("integrity", follower.turn, FOLLOW_SECONDS, stop))
            group.create_task(
                run_timer("integrity-reviews", lambda: review(db, thresholds, policy), REVIEW_SECONDS, stop)
            )
            group.create_task(
                run_timer(
                    "integrity-patterns",
                    lambda: review_patterns(db, thresholds, policy, caught_up),
                    REVIEW_SECONDS,
                    stop,
                )
            )
            group.create_task(run_timer("integrity-acts", follower.forget, FORGET_SECONDS, stop))

    return work
