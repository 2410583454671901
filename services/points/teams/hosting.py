"""The teams' consumer and timer, for the process that hosts them; small in memory and in no hurry."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from services.points.settings import PointsSettings
from services.points.teams import handlers
from services.points.teams.stream import GROUP, TOPICS, TeamStream
from shared.kafka.consumer import BatchConsumer
from shared.operators.control import DatabaseControl
from shared.postgres import Database
from shared.timers import run_timer

__all__ = ["counting_teams"]

BATCH = 500
FETCH_BYTES = 131_072
FETCH_WAIT_MS, GATHER_MS = 200, 500
"""Badges of teams may come within seconds: their consumer waits longer for a fetch than the ingest does, and asks less
often."""
JUDGE_SECONDS = 300.0


async def counting_teams(
    settings: PointsSettings, db: Database
) -> Callable[[asyncio.Event], Coroutine[Any, Any, None]]:
    """Install the criteria; returns the work, which goes on until the event is set."""
    stream = TeamStream(db, await handlers.install(db))
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

    async def work(stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(consumer.run(stop))
            group.create_task(run_timer("team-badges", lambda: handlers.judge_anew(db), JUDGE_SECONDS, stop))

    return work
