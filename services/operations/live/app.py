"""The agents' process: a faust app that counts the streams in a windowed table.

It publishes the last minute each second and stores the minutes every few seconds. A count may be off by a few records
after a crash: a life begins at the topics' ends, and the minutes in between are counted from the index.
One process runs it; a second one waits for the lock.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import faust
import mode
import structlog
from faust.types.tuples import FutureMessage, PendingMessage

from services.operations.live.beginning import begin_at_ends
from services.operations.live.domain import (
    KEEP_SECONDS,
    MINUTE_SECONDS,
    NO_COUNTS,
    SLICE_SECONDS,
    Counts,
    Slice,
    is_timely,
    key_of,
    minutes_of,
    pulse_of,
)
from services.operations.live.handlers import begin_life, store_minutes
from services.operations.live.progress import AgentProgress
from services.operations.live.stream import BEATS, DEAD_LETTER_TOPICS, EVENT_TOPICS, GROUP, TOPICS, sighting_of
from services.operations.monitors.hosting import watch_streams
from services.operations.settings import OperationsSettings
from shared.clock import real_now
from shared.cloudevents import encode
from shared.contracts import DrivePulse, PulseTick, SitePulse
from shared.errors import TransientError
from shared.heartbeats.process import heartbeat
from shared.http.ops import serve_ops
from shared.kafka.faust_client import faust_options
from shared.kafka.faust_messages import message_of
from shared.kafka.faust_worker import Worker
from shared.kafka.topics import topic_name
from shared.outbox import event as envelope
from shared.postgres import Database
from shared.postgres.lock import SessionLock
from shared.service import readiness
from shared.telemetry import logging

__all__ = ["LiveResources", "build_app", "main"]

log = structlog.get_logger(__name__)
SOURCE = "weiguang/operations"
STORE_SECONDS = 5.0
SESSION_SECONDS = 6.0
"""Apache Kafka takes no less; the embedded broker makes a group wait for half of it."""


class LiveResources(mode.Service):
    """Database, lock and health, open before faust joins its group and closed after it left."""

    def __init__(self, settings: OperationsSettings) -> None:
        super().__init__()
        self.settings = settings
        self.database: Database | None = None
        self.app: Any = None
        self._lock: SessionLock | None = None
        self._stack = AsyncExitStack()

    def connected(self) -> Database:
        """The database.

        Raises:
            TransientError: it is not connected yet.
        """
        if self.database is None:
            raise TransientError("the database is not connected yet")
        return self.database

    async def on_start(self) -> None:
        """Wait for the lock, then begin at the ends of the topics."""
        self.database = await Database.connect(self.settings)
        self._stack.push_async_callback(self.database.close)
        checks = {**readiness(self.settings, self.connected), "agents": self._agents}
        await self._stack.enter_async_context(serve_ops(self.settings, checks))
        await self._stack.enter_async_context(heartbeat(self.database, crashed=lambda: self.app.crashed))
        self._lock = SessionLock(self.database, GROUP)
        self._stack.push_async_callback(self._lock.close)
        await self._lock.take()
        await begin_life(self.database, real_now())
        await begin_at_ends(self.settings, f"{self.settings.topic_prefix}{GROUP}", TOPICS)
        self.add_future(self._watch(self._lock))
        log.info("agents.alone", group=GROUP)

    async def _watch(self, lock: SessionLock) -> None:
        reason = await lock.lost()
        if not self.should_stop:
            await self.app.crash(TransientError(f"the agents may have another process now: {reason}"))

    async def on_stop(self) -> None:
        """Close what the start opened."""
        await self._stack.aclose()

    async def _agents(self) -> None:
        if self._lock is None or not self._lock.held:
            raise TransientError("another process runs the agents")
        if not self.app.consumer.assignment():
            raise TransientError("no partition is assigned yet")


class UnloggedTable(faust.Table):
    """A windowed table without a changelog: a life begins at the topics' ends, and the index has what lay before.

    The changelog would double what the broker writes for each event.
    """

    def send_changelog(
        self,
        partition: int | None,
        key: Any,
        value: Any,
        key_serializer: Any = None,
        value_serializer: Any = None,
    ) -> FutureMessage:
        """Answer like a change that was sent, for faust to note the partition of the key; nothing is sent."""
        return FutureMessage(
            PendingMessage(
                self.changelog_topic, key, value, partition, None, None, key_serializer, value_serializer, None
            )
        )


def build_app(settings: OperationsSettings, resources: LiveResources) -> Any:
    """The faust app: an agent and a table each for the streams and for dead letters, two timers."""
    app = faust.App(
        f"{settings.topic_prefix}{GROUP}",
        **faust_options(settings),
        store="memory://",
        Table=UnloggedTable,
        datadir=settings.faust_data_dir,
        topic_partitions=settings.topic_partitions,
        topic_replication_factor=settings.kafka_replication_factor,
        topic_disable_leader=True,
        stream_wait_empty=False,
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=SESSION_SECONDS / 3,
        consumer_metadata_max_age_ms=10_000,
        producer_linger=0.1,
        producer_max_batch_size=131_072,
        autodiscover=False,
        web_enabled=False,
        worker_redirect_stdouts=False,
    )
    pulses = _topic(app, topic_name(settings, "pulse"), partitions=1)
    entities = {topic_name(settings, entity): entity for entity in TOPICS}
    progress = AgentProgress(GROUP, entities)
    progress.start(app, resources.connected)
    streams = _counting(app, settings, "live", EVENT_TOPICS, settings.topic_partitions, progress)
    dead = _counting(app, settings, "dead-letters", DEAD_LETTER_TOPICS, 1, progress)
    beats = _topic(app, topic_name(settings, BEATS), partitions=1)
    watch_streams(app, beats, resources.connected, settings, progress.note)

    def seen(seconds: float) -> list[Slice]:
        since = time.time() - seconds
        return [*_seen(streams, since), *_seen(dead, since)]

    @app.timer(1.0)
    async def tick() -> None:
        headers, value = encode(
            envelope(tick_of(seen(MINUTE_SECONDS)), source=SOURCE, aggregate_version=int(time.time()))
        )
        try:
            await pulses.send(key=b"district", value=value, headers=dict(headers))
        except Exception as error:  # noqa: BLE001 - the next second brings the next picture
            log.warning("pulse.not_published", error=type(error).__name__)

    @app.timer(STORE_SECONDS)
    async def store() -> None:
        try:
            minutes = minutes_of(seen(KEEP_SECONDS), time.time())
            if await store_minutes(resources.connected(), minutes, real_now()):
                log.info("live.gap_counted")
        except Exception as error:  # noqa: BLE001 - the next time stores the same minutes
            log.warning("live.not_stored", error=repr(error))

    resources.app = app
    return app


def _counting(
    app: Any,
    settings: OperationsSettings,
    name: str,
    topics: Sequence[str],
    partitions: int,
    progress: AgentProgress,
) -> Any:
    """An agent that counts topics of so many partitions in a table of its own; returns the table."""
    entities = {topic_name(settings, entity): entity for entity in topics}
    table = app.Table(f"{name}-slices", default=list, partitions=partitions)
    slices = table.tumbling(SLICE_SECONDS, expires=KEEP_SECONDS).relative_to_stream()

    @app.agent(_topic(app, *entities, partitions=partitions), name=name)
    async def count(stream: Any) -> None:
        async for event in stream.events():
            progress.note(event.message)
            try:
                _count(event.message, entities, slices)
            except Exception as error:  # noqa: BLE001 - an exception that leaves the body ends the agent
                log.warning("live.record_ignored", topic=event.message.topic, error=repr(error))

    return table


def _topic(app: Any, *names: str, partitions: int) -> Any:
    """Topics whose records stay bytes: a codec that fails would have its record acknowledged."""
    return app.topic(
        *names,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        partitions=partitions,
    )


def _count(record: Any, entities: Mapping[str, str], slices: Any) -> None:
    message = message_of(record, entities)
    age = time.time() - message.timestamp_ms / 1000
    if not is_timely(age):
        return
    sighting = sighting_of(message)
    key = key_of(sighting.place, message.partition)
    known = slices[key].current()
    slices[key] = (Counts(*known) if known else NO_COUNTS).plus(sighting.counts(age)).packed()


def _seen(table: Any, since: float) -> list[Slice]:
    """The slices that the table holds and that began at ``since`` (Unix seconds) or later."""
    return [
        Slice(key, window[0], Counts(*value)) for (key, window), value in table.items() if value and window[0] >= since
    ]


def tick_of(slices: list[Slice]) -> PulseTick:
    """The figures of the last minute."""
    found = pulse_of(slices, time.time())
    return PulseTick(
        at=datetime.now(UTC),
        window_seconds=MINUTE_SECONDS,
        records_per_minute=found.records,
        points_per_minute=found.points,
        by_site=tuple(SitePulse(site_id=s, records=r, points=p) for s, (r, p) in found.by_site.items()),
        by_drive=tuple(DrivePulse(drive_id=d, records=r, points=p) for d, (r, p) in found.by_drive.items()),
        dead_letters_per_minute=found.dead_letters,
        latest_ms=found.latest_ms,
    )


def main(settings: OperationsSettings) -> None:
    """Run the agents until SIGTERM or SIGINT; exits the process, with an error when they cannot go on."""
    logging.configure(settings)
    resources = LiveResources(settings)
    app = build_app(settings, resources)
    app.finalize()
    worker = Worker(
        app, resources, loglevel=settings.log_level, override_logging=False, redirect_stdouts=False, quiet=True
    )
    worker.spinner = None
    worker.execute_from_commandline()
