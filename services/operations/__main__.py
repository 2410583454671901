"""Composition root of operations: ``python -m services.operations api|worker|agents|relay|migrate``."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from services.operations.events.handlers import forget_old
from services.operations.events.stream import GROUP, TOPICS, IndexStream
from services.operations.settings import OperationsSettings
from shared.clock import real_now
from shared.errors import TransientError
from shared.heap import collect_rarely
from shared.kafka.consumer import BatchConsumer
from shared.operators.control import DatabaseControl
from shared.postgres import Database
from shared.postgres.durability import DurabilityBarrier
from shared.postgres.lock import SessionLock
from shared.service import ServiceRunner, connected, create_api, relay, serving, until_stopped
from shared.timers import run_timer

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["api", "main", "worker"]

MIGRATIONS = Path(__file__).with_name("migrations")
FORGET_SECONDS = 3600.0
FETCH_WAIT_MS = 100
"""Of a hundred partitions few have anything: an idle broker should rest."""
FETCH_BYTES = 1_048_576


def api(settings: OperationsSettings) -> "FastAPI":
    """The HTTP application."""
    # The worker should not hold what only an API serves.
    from services.operations.events.api import router as events_router
    from services.operations.events.feed import EventFeed
    from services.operations.histograms.api import router as histograms_router
    from services.operations.live.api import router as live_router
    from services.operations.monitors.api import router as monitors_router
    from services.operations.topics.api import router as topics_router
    from services.operations.traces.api import router as traces_router
    from services.operations.trail.api import router as trail_router
    from shared.operators.api import router_of

    async def start(app: "FastAPI") -> None:
        app.state.feed = EventFeed(app.state.database, settings.stream_clients, settings.stream_seconds)

    return create_api(
        settings,
        title="Weiguang operations",
        routers=[
            histograms_router,  # before the route of one event, whose address takes any word for an id
            events_router,
            traces_router,
            topics_router,
            live_router,
            monitors_router,
            trail_router,
            router_of("operations"),
        ],
        start=start,
    )


def _agents(settings: OperationsSettings) -> None:
    from services.operations.live import app  # faust, which no other role should hold

    app.main(settings)


async def worker(settings: OperationsSettings, stop: asyncio.Event) -> None:
    """Index the events of all topics, and drop old ones, until ``stop`` is set.

    Raises:
        WatchdogExpired: records wait and none can be indexed.
        TransientError: database or broker are away at the start, or the lock of the index was lost.
    """
    collect_rarely()
    async with connected(settings) as db:
        lock, barrier = SessionLock(db, GROUP), DurabilityBarrier(db, GROUP)
        try:
            if not await _taken(lock, stop):
                return
            await barrier.begin()
            await _index(settings, db, lock, barrier, stop)
        finally:
            await barrier.close()
            await lock.close()


async def _taken(lock: SessionLock, stop: asyncio.Event) -> bool:
    """Wait for the lock, or for ``stop``; whether it was the lock."""
    taking, stopping = asyncio.create_task(lock.take()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({taking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if taking.done():
            taking.result()
        return taking.done()
    finally:
        taking.cancel()
        stopping.cancel()
        await asyncio.gather(taking, stopping, return_exceptions=True)


async def _index(
    settings: OperationsSettings, db: Database, lock: SessionLock, barrier: DurabilityBarrier, stop: asyncio.Event
) -> None:
    stream = IndexStream(db, settings.broker_incarnation, settings.event_days)
    consumer = BatchConsumer(
        settings,
        topics=TOPICS,
        group=GROUP,
        handle=stream.handle,
        dead_letter=stream.dead_letter,
        secure=barrier.secure,  # commits of the index do not wait for the disk: its offsets do
        max_records=settings.index_batch,
        fetch_wait_ms=FETCH_WAIT_MS,
        fetch_bytes=FETCH_BYTES,
        gather_ms=settings.index_gather_ms,
        control=DatabaseControl(db, GROUP, replays=False),
    )
    consuming = asyncio.create_task(consumer.run(stop), name="index")
    others = [
        asyncio.create_task(_watch(lock), name="lock"),
        asyncio.create_task(
            run_timer("forgetting", lambda: forget_old(db, real_now(), settings.event_days), FORGET_SECONDS, stop)
        ),
    ]
    try:
        await asyncio.wait({consuming, others[0]}, return_when=asyncio.FIRST_COMPLETED)
        for task in (consuming, others[0]):
            if task.done():
                task.result()
    finally:
        for task in (consuming, *others):
            task.cancel()
        await asyncio.gather(consuming, *others, return_exceptions=True)


async def _watch(lock: SessionLock) -> None:
    raise TransientError(f"another process may write the index: {await lock.lost()}")


SERVICE = ServiceRunner(
    "operations",
    OperationsSettings,
    roles={
        "api": serving(api),
        "worker": until_stopped(worker),
        "agents": _agents,
        "relay": until_stopped(relay),
    },
    migrations=MIGRATIONS,
)
main = SERVICE.main


if __name__ == "__main__":
    main(sys.argv[1:])
