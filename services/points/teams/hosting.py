"""The teams' consumer and timer, for the process that hosts them; small in memory and in no hurry."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from services.points.consuming import hosted_consumer
from services.points.settings import PointsSettings
from services.points.teams import handlers
from services.points.teams.stream import GROUP, TOPICS, TeamStream
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

    async def work(stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(consumer.run(stop))
            group.create_task(run_timer("team-badges", lambda: handlers.judge_anew(db), JUDGE_SECONDS, stop))

    return work
