"""The ingest's process: a faust worker that hosts the batch consumer and the timers as services.

faust runs the process (start, signals, stop); records come through our own consumer, because a balance must not depend
on what faust acknowledges. So faust's own Kafka clients stay off here, and nothing of it lies between a record and its
transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import faust
import mode
import structlog
import uvloop
from faust.app.base import BootStrategy

from services.points.activations.mover import move
from services.points.audits.worker import run_waiting
from services.points.badges.handlers import judge_anew
from services.points.ingest.handlers import Policy
from services.points.ingest.stream import GROUP, TOPICS, IngestStream, group_of
from services.points.ledger.handlers import expire_points
from services.points.policy import policy_of
from services.points.rehearsals.handlers import forget_old
from services.points.rehearsals.launch import rehearse_waiting
from services.points.rewards.handlers import expire_holds
from services.points.rewards.pickups import handlers as pickups
from services.points.rewards.waiting import remind, time_out_bare_holds
from services.points.settings import PointsSettings
from shared.clock import real_now
from shared.heap import collect_rarely, use_huge_pages
from shared.heartbeats.process import heartbeat
from shared.http.idempotency import purge_idempotency
from shared.http.ops import serve_ops
from shared.http.process import exit_code_of
from shared.kafka.consumer import BatchConsumer
from shared.kafka.faust_client import faust_options
from shared.kafka.faust_worker import Worker
from shared.operators.control import DatabaseControl
from shared.postgres import Database
from shared.postgres.durability import DurabilityBarrier
from shared.service import readiness
from shared.timers import run_timer

__all__ = ["IngestService", "build_app", "main"]

PURGE_SECONDS = 300.0
STOP_SECONDS = 3.0
FETCH_BYTES = 8_388_608
"""Of each partition; about as much as fills a batch."""
_log = structlog.get_logger(__name__)


class IngestService(mode.Service):
    """Consumes attendance and watches the calendar, within faust's worker."""

    def __init__(self, settings: PointsSettings, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.settings = settings
        self.consumer: BatchConsumer | None = None
        self._resources = AsyncExitStack()
        self._halt = asyncio.Event()
        self._work: asyncio.Task[None] | None = None

    async def on_start(self) -> None:
        """Open pool and health port; consuming begins in the background."""
        settings = self.settings
        # What a crash of the server takes back is read again: offsets wait for the flush, and so does the relay.
        db = await Database.connect(settings, generic_plans=True, synchronous_commit=False)
        self._resources.push_async_callback(db.close)
        barrier = DurabilityBarrier(db, GROUP)
        await barrier.begin()
        self._resources.push_async_callback(barrier.close)
        policy = await policy_of(db)
        stream = IngestStream(db, policy)
        self.consumer = BatchConsumer(
            settings,
            topics=TOPICS,
            group=group_of(settings.ingest_generation),
            handle=stream.handle,
            dead_letter=stream.dead_letter,
            secure=barrier.secure,
            max_records=settings.ingest_batch,
            fetch_bytes=FETCH_BYTES,
            lanes=settings.ingest_lanes,
            patience=settings.watchdog_seconds,
            control=DatabaseControl(db, GROUP),
        )
        await self._resources.enter_async_context(serve_ops(settings, readiness(settings, lambda: db)))
        await self._resources.enter_async_context(heartbeat(db, crashed=lambda: self.crashed))
        self._work = asyncio.create_task(self._run(db, policy), name="points-ingest")
        self._work.add_done_callback(self._ended)

    async def _run(self, db: Database, policy: Policy) -> None:
        assert self.consumer is not None
        seconds, moved_at_once = self.settings.timer_seconds, self.settings.activation_batch

        async def redemptions() -> int:
            async with db.transaction() as tx:
                return await expire_holds(tx)

        async def answers() -> int:
            async with db.transaction() as tx:
                await purge_idempotency(tx)
                await pickups.purge(tx, real_now())
            return 0

        timers: tuple[tuple[str, Callable[[], Awaitable[int]], float], ...] = (
            ("expiry", lambda: expire_points(db), seconds),
            ("holds", lambda: time_out_bare_holds(db), seconds),
            ("reminders", lambda: remind(db), seconds),
            ("redemptions", redemptions, seconds),
            ("rehearsals", lambda: rehearse_waiting(db, self._halt), seconds),
            ("activations", lambda: move(db, policy, moved_at_once), seconds),
            ("badges", lambda: judge_anew(db), PURGE_SECONDS),
            ("audits", lambda: run_waiting(db, self._halt), seconds),
            ("answers", answers, PURGE_SECONDS),
            ("forgetting", lambda: forget_old(db), PURGE_SECONDS),
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(self.consumer.run(self._halt))
            for place, (name, work, every) in enumerate(timers):
                # One after the other: all at once they would take a session each, and hold up a batch.
                after = seconds * place / len(timers)
                group.create_task(run_timer(name, work, every, self._halt, after=after))

    def _ended(self, work: asyncio.Task[None]) -> None:
        """Whatever ends the work by itself ends the process, with the reason's exit code."""
        if work.cancelled() or self._halt.is_set():
            return
        error = work.exception() or RuntimeError("the ingest ended by itself")
        _log.error("ingest.failed", error=type(error).__name__, exc_info=error)
        self.add_future(self.crash(error))

    async def on_stop(self) -> None:
        """Finish the batch under way, then close."""
        self._halt.set()
        if self._work is not None:
            await asyncio.wait({self._work}, timeout=STOP_SECONDS)
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
        await self._resources.aclose()


class _WithoutKafka(BootStrategy):
    """None of faust's own clients: this process has no agent and no table."""

    enable_kafka = False
    enable_web = False


def build_app(settings: PointsSettings) -> Any:
    """The faust app that hosts the ingest."""

    class App(faust.App):
        BootStrategy = _WithoutKafka

    app = App(
        f"{settings.topic_prefix}{GROUP}-host",
        **faust_options(settings),
        store="memory://",
        datadir=settings.faust_data_dir,
        web_enabled=False,
        autodiscover=False,
        worker_redirect_stdouts=False,
    )

    class Ingest(IngestService):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(settings, **kwargs)

    app.service(Ingest)
    return app


def main(settings: PointsSettings) -> None:
    """Run until SIGTERM or SIGINT; exits the process, with the reason's exit code if the ingest failed."""
    collect_rarely()
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    worker = Worker(build_app(settings), loop=loop, override_logging=False, redirect_stdouts=False, quiet=True)
    use_huge_pages()
    try:
        worker.execute_from_commandline()
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it is, the exit code informs the supervisor
        raise SystemExit(exit_code_of(error)) from None
