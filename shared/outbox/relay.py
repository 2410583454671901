"""The relay: sends what the outbox holds, in order, and marks it after the broker's acknowledgement.

If it dies in between, rows are sent again; consumers absorb that. One relay per service is active at a time.

An event that will never be taken as it is, because it is too large or cannot be encoded, lies aside in the outbox and
holds up neither other keys nor the later events of its own, which keep their order (consumers go by versions,
and an event holds the whole state). It is logged, counted in ``weiguang_outbox_refused``, and tried again when a relay
starts and when the broker's log begins anew, as a release or a broker with other limits may take it.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from shared.errors import TransientError
from shared.kafka.client import client_options
from shared.kafka.topics import topic_name
from shared.outbox import EVENT_BYTES
from shared.outbox.packs import count_events, events_of
from shared.postgres import TRANSIENT, Database, flush, load_queries
from shared.settings import Settings
from shared.telemetry import metrics
from shared.waiting import wait_for_event

__all__ = ["Relay", "pause_until_next_round"]

log = structlog.get_logger(__name__)
_SQL = load_queries(__file__)

BATCH = 1000
IDLE_SECONDS = 1.0
PACE_SECONDS = 0.04
"""At least so long from the start of one round to the next: a few events at once cost the broker and every consumer
hardly more than one. The first event after a rest goes at once."""
GAUGE_SECONDS = 2.0
BEAT_SECONDS = 5.0
PRUNE_SECONDS = 600.0
KEEP_DAYS = 7
Beat = Callable[[Any, int, float], Awaitable[None]]
_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)


@dataclass(slots=True)
class _Outcome:
    """The outcome of a batch: ids and number of events that arrived, rows refused and why, the first error if any."""

    sent: list[int] = field(default_factory=list)
    events: int = 0
    refused: list[tuple[Any, str]] = field(default_factory=list)
    failure: BaseException | None = None


def pause_until_next_round(began: float, now: float) -> float:
    """The seconds, never below 0, until a round may follow one that began then; both on one monotonic clock."""
    return max(0.0, began + PACE_SECONDS - now)


@dataclass(slots=True)
class _Sent:
    """A row that was handed to the producer, with the keys and the answers of its events."""

    row: Any
    keys: set[bytes]
    futures: list[asyncio.Future[Any]] = field(default_factory=list)


def _portions(rows: list[Any]) -> Iterator[list[Any]]:
    """The rows in portions of some `BATCH` events each, as a pack holds many."""
    portion: list[Any] = []
    events = 0
    for row in rows:
        portion.append(row)
        events += count_events(row["headers"])
        if events >= BATCH:
            yield portion
            portion, events = [], 0
    if portion:
        yield portion


class Relay:
    """Moves one service's outbox to the broker.

    Args:
        secure: make sure that what is sent cannot be taken back by a crash of the server: where some who write to the
            outbox do not wait for the flush of their commits.
        beat: publishes the service's beat by the relay's producer, given depth and age in seconds of the outbox.
    """

    def __init__(self, db: Database, settings: Settings, *, secure: bool = False, beat: Beat | None = None) -> None:
        self.database = db
        self.settings = settings
        self.secure = secure
        self._connection = client_options(settings)
        self.sent = 0
        self._wake = asyncio.Event()
        self._beat = beat
        self._beaten = 0.0
        self._gauged = 0.0
        self._pruned = time.monotonic()
        self._retried = False
        self._alone: set[int] = set()  # the broker refused the batch that they were in

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until ``stop`` is set; trouble with the database or the broker is waited out."""
        while not stop.is_set():
            try:
                await self._session(stop)
            except (TransientError, *TRANSIENT, KafkaError) as error:
                log.warning("relay.restarted", service=self.settings.service, reason=str(error))
                await wait_for_event(stop, 1.0)

    async def _session(self, stop: asyncio.Event) -> None:
        # What a crash of the server takes back here is sent again.
        conn: Any = await asyncpg.connect(
            self.database.dsn,
            server_settings={"search_path": self.database.schema, "timezone": "UTC", "synchronous_commit": "off"},
        )
        try:
            while not await conn.fetchval(_SQL["take_relay_lock"]):
                if await wait_for_event(stop, 1.0):
                    return
            await conn.add_listener(f"outbox_{self.database.schema}", self._woken)
            await self._adopt_incarnation(conn)
            if not self._retried:
                await conn.execute(_SQL["retry_refused"])
                self._retried = True
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
            **self._connection,
            client_id=f"weiguang-{self.settings.service}-relay",
            acks="all",
            enable_idempotence=self.settings.broker == "kafka",
            linger_ms=0,
            max_batch_size=131_072,
            max_request_size=EVENT_BYTES,
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
                log.warning("outbox.republished", rows=tag, incarnation=present)
            await conn.execute(_SQL["adopt_incarnation"], present)

    async def _pump(self, conn: Any, producer: Any, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._wake.clear()
            began = time.monotonic()
            rows = await conn.fetch(_SQL["unsent"], BATCH)
            if rows:
                if self.secure:
                    await flush(conn)  # in the session that read them: had they been taken back since, it would be gone
                for portion in _portions(rows):
                    await self._publish(conn, producer, portion)
            await self._housekeeping(conn, producer)
            if len(rows) < BATCH:
                await wait_for_event(self._wake, IDLE_SECONDS)
                await wait_for_event(stop, pause_until_next_round(began, time.monotonic()))

    async def _publish(self, conn: Any, producer: Any, rows: list[Any]) -> None:
        """Send rows and mark them.

        Raises:
            TransientError: the broker did not take everything.
        """
        outcome = await self._send(producer, rows)
        if outcome.sent:
            await conn.execute(_SQL["mark_sent"], outcome.sent)
            self.sent += outcome.events
        for row, reason in outcome.refused:
            await self._record_refused(conn, row, reason)
        if outcome.failure is not None:
            raise TransientError(f"the broker did not take everything: {outcome.failure}")

    async def _send(self, producer: Any, rows: list[Any]) -> _Outcome:
        """Send rows.

        A row that comes after a failed one of the same key is not marked even if it arrived, so that the key's order
        holds when they are sent again.
        """
        outcome = _Outcome()
        waiting: list[_Sent] = []
        for row in rows:
            try:
                messages = self._messages(row)
            except (AttributeError, TypeError, ValueError) as error:
                outcome.refused.append((row, f"it cannot be encoded: {error!r}"))
                continue
            sent = _Sent(row, {message["key"] for message in messages})
            alone = row["id"] in self._alone
            if alone:
                await asyncio.gather(*(future for one in waiting for future in one.futures), return_exceptions=True)
            waiting.append(sent)
            broken = False
            try:
                for message in messages:
                    sent.futures.append(future := await producer.send(**message))
                    if alone and isinstance((await asyncio.gather(future, return_exceptions=True))[0], BaseException):
                        broken = True
                        break
            except MessageSizeTooLargeError as error:
                outcome.refused.append((row, str(error)))
                waiting.pop()
                continue
            except (KafkaError, OSError) as error:
                outcome.failure = error
                waiting.pop()
                break
            if broken:
                break  # an idempotent producer has counted it, so that what follows needs a new one
        await self._judge(outcome, waiting)
        return outcome

    async def _judge(self, outcome: _Outcome, waiting: list[_Sent]) -> None:
        failed_keys: set[bytes] = set()
        for sent in waiting:
            row = sent.row
            results = await asyncio.gather(*sent.futures, return_exceptions=True)
            result = next((one for one in results if isinstance(one, BaseException)), None)
            if result is not None:
                outcome.failure = outcome.failure or result
                if isinstance(result, _TOO_LARGE) and row["id"] in self._alone:
                    outcome.refused.append((row, str(result)))
                    continue
                if isinstance(result, _TOO_LARGE):
                    self._alone.add(row["id"])  # which one of its batch is too large shows when each goes by itself
                failed_keys |= sent.keys
            elif sent.keys.isdisjoint(failed_keys):
                outcome.sent.append(row["id"])
                outcome.events += len(results)
                self._alone.discard(row["id"])
                metrics.OUTBOX_SENT.labels(topic_name(self.settings, row["topic"])).inc(len(results))
            else:
                failed_keys |= sent.keys

    def _messages(self, row: Any) -> list[dict[str, Any]]:
        """The messages of a row, in their order: of a pack several."""
        topic = topic_name(self.settings, row["topic"])
        # when it was decided, not when it was sent: an event that is sent again is still old
        decided = int(row["created_at"].timestamp() * 1000)
        return [
            {
                "topic": topic,
                "key": key.encode(),
                "value": value,
                "headers": [(name, text.encode()) for name, text in orjson.loads(headers).items()],
                "timestamp_ms": decided,
            }
            for key, headers, value in events_of(row["key"], row["headers"], row["value"])
        ]

    async def _record_refused(self, conn: Any, row: Any, reason: str) -> None:
        await conn.execute(_SQL["mark_refused"], row["id"], reason)
        self._alone.discard(row["id"])
        self._gauged = 0.0
        log.error(
            "outbox.event_rejected",
            service=self.settings.service,
            outbox_id=row["id"],
            event_id=str(row["event_id"]),
            topic=row["topic"],
            bytes=len(row["value"]),
            reason=reason,
        )

    async def _housekeeping(self, conn: Any, producer: Any) -> None:
        now = time.monotonic()
        if now - self._gauged > GAUGE_SECONDS:
            self._gauged = now
            row = await conn.fetchrow(_SQL["depth"])
            metrics.OUTBOX_DEPTH.labels(self.settings.service).set(row["depth"])
            metrics.OUTBOX_AGE.labels(self.settings.service).set(row["age"])
            metrics.OUTBOX_REFUSED.labels(self.settings.service).set(row["refused"])
            if self._beat is not None and now - self._beaten > BEAT_SECONDS:
                self._beaten = now
                await self._beat(producer, row["depth"], row["age"])
        if self.settings.broker == "kafka" and now - self._pruned > PRUNE_SECONDS:
            self._pruned = now
            await conn.execute(_SQL["prune"], KEEP_DAYS)
