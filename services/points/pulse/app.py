"""The agents' process: a faust app that keeps the last minute in a windowed table and tells it each second.

Everything here may be lost and is rebuilt from the topics; that is why faust may run it. A record may count twice when
the process dies between a table's change and the commit of its offset: the pulse is a picture, not a balance.

One process owns all partitions. With several, each tells the minute of its own partitions.
"""

import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import faust
import mode
import structlog

from services.points.hosting import Worker
from services.points.pulse.domain import KEEP_SECONDS, SLICE_SECONDS, WINDOW_SECONDS, Cell, Minute, cells, last_minute
from services.points.pulse.stream import GROUP, TOPICS, beat_of
from services.points.settings import PointsSettings
from shared import deadletters
from shared.cloudevents import encode
from shared.contracts import DrivePulse, PulseTick, SitePulse
from shared.deadletters import DeadLetter
from shared.errors import TransientError
from shared.http.ops import serve_ops
from shared.kafka.consumer import Message
from shared.kafka.guard import Guard
from shared.kafka.probe import broker_ready
from shared.kafka.topics import topic_name
from shared.outbox import event as envelope
from shared.postgres import Database
from shared.telemetry import logging

__all__ = ["Pulse", "main"]

log = structlog.get_logger(__name__)

SOURCE = "weiguang/points"


class Pulse:
    """The faust app with its table, agents and timer; nothing is opened before the app starts."""

    def __init__(self, settings: PointsSettings) -> None:
        self.settings = settings
        self.app = _faust_app(settings)
        self.ticks = 0
        self.database: Database | None = None
        self._stack = AsyncExitStack()
        self.guard = Guard(
            {topic_name(settings, entity): entity for entity in TOPICS},
            put_aside=self._put_aside,
            stop_worker=self.app.crash,
        )
        # faust creates the changelog topic; its partitions must be as many as those of the topics that write it.
        partitions = settings.topic_partitions
        table = self.app.Table("slices", default=int, partitions=partitions)
        self.slices = table.tumbling(SLICE_SECONDS, expires=KEEP_SECONDS).relative_to_stream()
        self.told = _raw_topic(self.app, settings, "pulse", partitions=1)
        for entity in TOPICS:
            source = _raw_topic(self.app, settings, entity, partitions=partitions)
            self.app.agent(source, name=f"pulse-{entity}")(self._agent)
        self.app.timer(1.0)(self._tick)

    async def _agent(self, stream: Any) -> None:
        async for event in stream.events():
            await self.guard.run(event, self._beat)

    async def _beat(self, message: Message) -> None:
        beat = beat_of(message)
        # What a relay sends again keeps its old time: nothing of it belongs to this minute.
        if beat is None or message.timestamp_ms / 1000 < time.time() - WINDOW_SECONDS:
            return
        for key, amount in cells(beat, message.partition):
            self.slices[key] += amount

    def minute(self) -> Minute:
        """The last minute of the partitions that this process owns."""
        stored = self.slices.table.items()
        return last_minute((Cell(key, window[0], value) for (key, window), value in stored), time.time())

    async def _tick(self) -> None:
        minute = self.minute()
        data = PulseTick(
            at=datetime.now(UTC),
            window_seconds=WINDOW_SECONDS,
            records_per_minute=minute.records,
            points_per_minute=minute.points,
            by_site=tuple(SitePulse(site_id=s, records=r, points=p) for s, (r, p) in minute.by_site.items()),
            by_drive=tuple(DrivePulse(drive_id=d, records=r, points=p) for d, (r, p) in minute.by_drive.items()),
        )
        self.ticks += 1
        headers, value = encode(envelope(data, source=SOURCE, aggregate_version=int(time.time())))
        try:
            await self.told.send(key=data.district.encode(), value=value, headers=dict(headers))
        except Exception as error:  # noqa: BLE001 - the next second brings the next picture
            log.warning("pulse.not_told", error=type(error).__name__)

    async def _put_aside(self, message: Message, error: Exception) -> None:
        if self.database is None:
            raise TransientError("the database is not connected yet")
        async with self.database.transaction() as tx:
            await deadletters.record(tx, [DeadLetter(message, str(error) or type(error).__name__)], group=GROUP)

    async def open(self) -> None:
        """Connect to the database and serve health; before the app starts."""
        self.database = await Database.connect(self.settings)
        self._stack.push_async_callback(self.database.close)
        await self._stack.enter_async_context(
            serve_ops(self.settings, {"database": self.database.ready, "broker": self._broker, "agents": self._agents})
        )

    async def close(self) -> None:
        """Close what `open` opened."""
        await self._stack.aclose()

    async def _broker(self) -> None:
        await broker_ready(self.settings)

    async def _agents(self) -> None:
        if not self.app.consumer.assignment():
            raise TransientError("no partition is assigned yet")


class _Resources(mode.Service):
    """Opens before faust joins its group and closes after it left: health is told all the while."""

    def __init__(self, pulse: Pulse) -> None:
        super().__init__()
        self.pulse = pulse

    async def on_start(self) -> None:
        await self.pulse.open()

    async def on_stop(self) -> None:
        await self.pulse.close()


def _faust_app(settings: PointsSettings) -> Any:
    embedded = settings.broker == "embedded"
    return faust.App(
        f"{settings.topic_prefix}{GROUP}",
        broker=[f"aiokafka://{address.strip()}" for address in settings.kafka_bootstrap.split(",")],
        store="memory://",
        datadir=settings.faust_data_dir,
        topic_partitions=settings.topic_partitions,
        topic_replication_factor=1,
        topic_disable_leader=True,
        # A stop must not wait for a record that cannot be applied; the guard keeps its offset uncommitted.
        stream_wait_empty=False,
        broker_session_timeout=6.0 if embedded else 10.0,
        broker_heartbeat_interval=1.5,
        # A topic that was missing when the group formed is found soon, and not after the default of five minutes.
        consumer_metadata_max_age_ms=10_000,
        # Changelog records leave in batches; nothing waits for one.
        producer_linger=0.02,
        # The embedded broker (Tansu 0.6) answers ListOffsets with the first offset of the last batch plus one; faust
        # restores tables only up to there and would lose the rest of the batch. So there, a batch is one record.
        producer_max_batch_size=1 if embedded else 131_072,
        web_enabled=False,
        worker_redirect_stdouts=False,
    )


def _raw_topic(app: Any, settings: PointsSettings, entity: str, *, partitions: int) -> Any:
    """A topic whose records stay bytes: a codec that fails would have its record acknowledged."""
    return app.topic(
        topic_name(settings, entity),
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        partitions=partitions,
    )


def main(settings: PointsSettings) -> None:
    """Run the agents until SIGTERM or SIGINT; exits the process, with an error when a guard stopped it."""
    logging.configure(settings)
    pulse = Pulse(settings)
    pulse.app.finalize()
    worker = Worker(
        pulse.app,
        _Resources(pulse),
        loglevel=settings.log_level,
        override_logging=False,
        redirect_stdouts=False,
        quiet=True,
    )
    worker.spinner = None
    worker.execute_from_commandline()
