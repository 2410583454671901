"""The base of every process of faust agents: the app, topics as bytes, the guard, health, a stop in time.

Agents run what may be rebuilt. Rules for them stand in ``shared/kafka/guard.py``. One process runs them, by a lock of
the database; a second one stands by, not ready, and begins half a second after the first has died.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import mode
import structlog

from services.points.settings import PointsSettings
from services.points.tables import TablesApp
from shared import deadletters
from shared.deadletters import DeadLetter
from shared.errors import TransientError
from shared.heartbeats.process import heartbeat
from shared.http.ops import serve_ops
from shared.kafka.consumer import Message
from shared.kafka.faust_client import faust_options
from shared.kafka.faust_worker import STOP_SECONDS, Worker
from shared.kafka.guard import RecordGuard
from shared.kafka.topics import topic_name
from shared.postgres import Database
from shared.postgres.lock import SessionLock
from shared.service import readiness
from shared.telemetry import logging

__all__ = ["Agents", "run"]

_log = structlog.get_logger(__name__)

Apply = Callable[[Message], Awaitable[None]]
Work = Callable[[asyncio.Event], Awaitable[None]]

COMMIT_SECONDS = 2.0
"""How often offsets are committed, and tables written before."""


class Agents(ABC):
    """A faust app with guarded agents; nothing is opened before the app starts.

    Args:
        group: the consumer group, which also names tables' changelogs and dead letters.
        topics: what is consumed.
        generation: a higher one begins with empty tables and reads the topics from their beginning.
    """

    def __init__(self, settings: PointsSettings, *, group: str, topics: Iterable[str], generation: int = 0) -> None:
        self.settings = settings
        self.group = group
        self.app = _faust_app(settings, group if not generation else f"{group}-{generation}")
        self.database: Database | None = None
        self._lock: SessionLock | None = None
        self._stack = AsyncExitStack()
        self._halt = asyncio.Event()
        self.guard = RecordGuard(
            {topic_name(settings, entity): entity for entity in topics},
            dead_letter=self._dead_letter,
            stop_worker=self.app.crash,
            gaps=self.app.gaps,
        )

    def topic(self, entity: str, *, partitions: int | None = None) -> Any:
        """A topic whose records stay bytes: a codec that fails would have its record acknowledged."""
        return self.app.topic(
            topic_name(self.settings, entity),
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            partitions=partitions or self.settings.topic_partitions,
        )

    def listen(self, entity: str, apply: Apply) -> None:
        """An agent that applies each record of a topic under the guard."""

        async def agent(stream: Any) -> None:
            async for event in stream.events():
                await self.guard.run(event, apply)

        self.app.agent(self.topic(entity), name=f"{self.group.removeprefix('points-')}-{entity}")(agent)

    async def send(self, entity: str, key: bytes, value: bytes, headers: Mapping[str, bytes]) -> None:
        """Send a record, to be on its topic before the record being applied is acknowledged."""
        await self.app.changes.send(topic_name(self.settings, entity), key, value, headers)

    async def _dead_letter(self, message: Message, error: Exception) -> None:
        async with self.connected().transaction() as tx:
            await deadletters.record(tx, [DeadLetter(message, str(error) or type(error).__name__)], group=self.group)

    def connected(self) -> Database:
        """The database.

        Raises:
            TransientError: it is not connected yet.
        """
        if self.database is None:
            raise TransientError("the database is not connected yet")
        return self.database

    @abstractmethod
    async def connect(self) -> Database:
        """Open the pool; the app's module does, as a composition root."""

    async def open(self) -> None:
        """Connect to the database and serve health, before the app starts.

        Another process with the same agents is waited for.
        """
        self.database = await self.connect()
        self._stack.push_async_callback(self.database.close)
        await self._stack.enter_async_context(
            serve_ops(self.settings, {**readiness(self.settings, self.connected), "agents": self._agents})
        )
        await self._stack.enter_async_context(heartbeat(self.database, crashed=lambda: self.app.crashed))
        self._lock = SessionLock(self.database, self.group)
        self._stack.push_async_callback(self._lock.close)
        await self._lock.take()
        _log.info("agents.alone", group=self.group)
        self.host("lock", self._alone)

    def host(self, name: str, work: Work) -> None:
        """Do something else in this process until the event is set; if it ends by itself, so does the process."""
        task = asyncio.create_task(self._hosted(name, work), name=name)
        self._stack.push_async_callback(self._end, task)

    async def _alone(self, stop: asyncio.Event) -> None:
        """The wait until another process may have begun."""
        assert self._lock is not None
        lost, stopped = asyncio.create_task(self._lock.lost()), asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({lost, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not stop.is_set():
                raise TransientError(f"the agents may have another process now: {lost.result()}")
        finally:
            lost.cancel()
            stopped.cancel()

    async def _hosted(self, name: str, work: Work) -> None:
        try:
            await work(self._halt)
            if not self._halt.is_set():
                raise RuntimeError(f"{name} ended by itself")
        except Exception as error:  # noqa: BLE001 - whatever it is, the process must not go on without it
            _log.error("hosted.failed", work=name, error=type(error).__name__, exc_info=error)
            await self.app.crash(error)

    async def _end(self, task: asyncio.Task[None]) -> None:
        await asyncio.wait({task}, timeout=STOP_SECONDS)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def close(self) -> None:
        """Close what `open` opened."""
        self._halt.set()
        await self._stack.aclose()

    async def _agents(self) -> None:
        if self._lock is None or not self._lock.held:
            raise TransientError("another process runs the agents")
        if not self.app.consumer.assignment():
            raise TransientError("no partition is assigned yet")


class _Resources(mode.Service):
    """Opens before faust joins its group and closes after it left: health is served all the while."""

    def __init__(self, agents: Agents) -> None:
        super().__init__()
        self.agents = agents

    async def on_start(self) -> None:
        await self.agents.open()

    async def on_stop(self) -> None:
        await self.agents.close()


def _faust_app(settings: PointsSettings, group: str) -> TablesApp:
    embedded = settings.broker == "embedded"
    return TablesApp(
        f"{settings.topic_prefix}{group}",
        last_alone=embedded,
        **faust_options(settings),
        store="memory://",
        datadir=settings.faust_data_dir,
        topic_partitions=settings.topic_partitions,
        topic_replication_factor=settings.kafka_replication_factor,
        topic_disable_leader=True,
        # A stop must not wait for a record that cannot be applied; the guard keeps its offset uncommitted.
        stream_wait_empty=False,
        consumer_metadata_max_age_ms=10_000,
        # What came since the last commit is done again after a kill; a commit costs some requests, whatever it holds.
        broker_commit_interval=COMMIT_SECONDS,
        producer_linger=0.1,
        producer_max_batch_size=131_072,
        web_enabled=False,
        worker_redirect_stdouts=False,
    )


def run(settings: PointsSettings, make: Callable[[PointsSettings], Agents]) -> None:
    """Run agents until SIGTERM or SIGINT; exits the process, with an error when a guard stopped it."""
    logging.configure(settings)
    agents = make(settings)
    agents.app.finalize()
    worker = Worker(
        agents.app,
        _Resources(agents),
        loglevel=settings.log_level,
        override_logging=False,
        redirect_stdouts=False,
        quiet=True,
    )
    worker.spinner = None
    worker.execute_from_commandline()
