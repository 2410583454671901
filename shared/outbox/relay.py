"""The relay: sends what the outbox holds, in order, and marks it after the broker's acknowledgement.

If it dies in between, rows are sent again; consumers absorb that. One relay per service is active at a time.
"""

import asyncio
import contextlib
import time
from typing import Any

import asyncpg
import orjson
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.errors import TransientError
from shared.kafka.topics import topic_name
from shared.postgres import TRANSIENT, Database, flush, load_queries
from shared.settings import Settings
from shared.telemetry import metrics
from shared.waiting import set_within

__all__ = ["Relay"]

log = structlog.get_logger(__name__)
_SQL = load_queries(__file__)

BATCH = 1000
IDLE_SECONDS = 1.0
GAUGE_SECONDS = 2.0
PRUNE_SECONDS = 600.0
KEEP_DAYS = 7


class Relay:
    """Moves one service's outbox to the broker.

    Args:
        secure: make sure that what is sent cannot be taken back by a crash of the server: where some who write to the
            outbox do not wait for the flush of their commits.
    """

    def __init__(self, database: Database, settings: Settings, *, secure: bool = False) -> None:
        self.database = database
        self.settings = settings
        self.secure = secure
        self.sent = 0
        self._wake = asyncio.Event()
        self._gauged = 0.0
        self._pruned = time.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until ``stop`` is set; trouble with the database or the broker is waited out."""
        while not stop.is_set():
            try:
                await self._session(stop)
            except (TransientError, *TRANSIENT, KafkaError) as error:
                log.warning("relay starts over", service=self.settings.service, reason=str(error))
                await set_within(stop, 1.0)

    async def _session(self, stop: asyncio.Event) -> None:
        # What a crash of the server takes back here is sent again.
        conn: Any = await asyncpg.connect(
            self.database.dsn,
            server_settings={"search_path": self.database.schema, "timezone": "UTC", "synchronous_commit": "off"},
        )
        try:
            while not await conn.fetchval(_SQL["take_relay_lock"]):
                if await set_within(stop, 1.0):
                    return
            await conn.add_listener(f"outbox_{self.database.schema}", self._woken)
            await self._adopt_incarnation(conn)
            producer = self._producer()
            try:
                await producer.start()
                await self._pump(conn, producer, stop)
            finally:
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(producer.stop(), 3)
        finally:
            # The lock, the listener and the marks share this session: when it goes, another relay may begin.
            with contextlib.suppress(Exception):
                await conn.close(timeout=2)

    def _woken(self, *_: object) -> None:
        self._wake.set()

    def _producer(self) -> Any:
        return AIOKafkaProducer(
            bootstrap_servers=self.settings.kafka_bootstrap,
            client_id=f"weiguang-{self.settings.service}-relay",
            acks="all",
            enable_idempotence=self.settings.broker == "kafka",
            linger_ms=0,
            max_batch_size=131_072,
            request_timeout_ms=10_000,
            metadata_max_age_ms=10_000,
        )

    async def _adopt_incarnation(self, conn: Any) -> None:
        present = self.settings.broker_incarnation
        known = await conn.fetchval(_SQL["known_incarnation"])
        if known == present:
            return
        async with conn.transaction():
            if known is not None:
                tag = await conn.execute(_SQL["unsend_everything"])
                log.warning("the broker's log began anew; everything is sent again", rows=tag, incarnation=present)
            await conn.execute(_SQL["adopt_incarnation"], present)

    async def _pump(self, conn: Any, producer: Any, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._wake.clear()
            rows = await conn.fetch(_SQL["unsent"], BATCH)
            if rows:
                if self.secure:
                    await flush(conn)  # in the session that read them: had they been taken back since, it would be gone
                sent, failure = await self._send(producer, rows)
                if sent:
                    await conn.execute(_SQL["mark_sent"], sent)
                    self.sent += len(sent)
                if failure is not None:
                    raise TransientError(f"the broker did not take everything: {failure}")
            await self._housekeeping(conn)
            if len(rows) < BATCH:
                await set_within(self._wake, IDLE_SECONDS)

    async def _send(self, producer: Any, rows: list[Any]) -> tuple[list[int], BaseException | None]:
        """Send rows; returns the ids that may be marked and the first failure.

        A row that comes after a failed one of the same key is not marked even if it arrived, so that the key's order
        holds when they are sent again.
        """
        waiting: list[tuple[int, str, asyncio.Future[Any]]] = []
        failure: BaseException | None = None
        for row in rows:
            headers = [(name, text.encode()) for name, text in orjson.loads(row["headers"]).items()]
            try:
                future = await producer.send(
                    topic_name(self.settings, row["topic"]),
                    key=row["key"].encode(),
                    value=row["value"],
                    headers=headers,
                    # when it was decided, not when it was sent: an event that is sent again is still old
                    timestamp_ms=int(row["created_at"].timestamp() * 1000),
                )
            except (KafkaError, OSError) as error:
                failure = error
                break
            waiting.append((row["id"], row["key"], future))
        results = await asyncio.gather(*(future for _, _, future in waiting), return_exceptions=True)
        failed_keys: set[str] = set()
        sent: list[int] = []
        for (row_id, key, _), result in zip(waiting, results, strict=True):
            if isinstance(result, BaseException):
                failed_keys.add(key)
                failure = failure or result
            elif key not in failed_keys:
                sent.append(row_id)
                metrics.OUTBOX_SENT.labels(result.topic).inc()
        return sent, failure

    async def _housekeeping(self, conn: Any) -> None:
        now = time.monotonic()
        if now - self._gauged > GAUGE_SECONDS:
            self._gauged = now
            row = await conn.fetchrow(_SQL["depth"])
            metrics.OUTBOX_DEPTH.labels(self.settings.service).set(row["depth"])
            metrics.OUTBOX_AGE.labels(self.settings.service).set(row["age"])
        if self.settings.broker == "kafka" and now - self._pruned > PRUNE_SECONDS:
            self._pruned = now
            await conn.execute(_SQL["prune"], KEEP_DAYS)
