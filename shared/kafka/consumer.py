"""The batch consumer: many records at once, in lanes by partition, offsets after the transaction.

Poison is isolated by halving.

Offsets are a hint. What was applied is known by the database alone, so a batch may come again at any time.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from shared.errors import PermanentError, TransientError
from shared.kafka.lag import LagMeter
from shared.kafka.membership import Membership, close_consumer
from shared.kafka.messages import Message
from shared.kafka.offsets import Offsets, Secure
from shared.kafka.reading import PartitionReader, why_unreadable
from shared.kafka.switch import ConsumerControl, ConsumerReport, ConsumerSwitch, PartitionReport
from shared.kafka.topics import topic_name
from shared.kafka.watchdog import Watchdog
from shared.settings import Settings
from shared.telemetry import metrics
from shared.waiting import wait_for_event

__all__ = ["BatchConsumer", "Message", "apply_halving"]

log = structlog.get_logger(__name__)

POLL_MS, POLL_BESIDE_MS = 250, 20
SMALL = 1000
"""Records of a batch of which most of the cost is the same for fewer: it is not worth a lane of its own."""
TOP_UP_MS = 5
BUSY_SECONDS = 0.05
"""Records that follow a batch so soon are many: what came in meanwhile is fetched as well before they are applied."""
LAG_INTERVAL = 2.0
COMMIT_INTERVAL = 0.25
BACKOFF_FIRST, BACKOFF_MOST = 0.1, 5.0


Handle = Callable[[Sequence[Message]], Awaitable[None]]
DeadLetter = Callable[[Message, Exception], Awaitable[None]]


async def apply_halving(batch: Sequence[Message], handle: Handle, dead_letter: DeadLetter) -> None:
    """Apply a batch; if it fails for good, halve it until the poison stands alone, and put that aside. In order.

    Raises:
        TransientError: nothing is wrong with the batch, and it must be applied again as it is.
    """
    try:
        await handle(batch)
    except (TransientError, asyncio.CancelledError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever a record provokes, it must not block the next one
        if len(batch) == 1:
            log.warning(
                "consumer.record_rejected", topic=batch[0].topic, partition=batch[0].partition, offset=batch[0].offset
            )
            await dead_letter(batch[0], error)
            return
        middle = len(batch) // 2
        await apply_halving(batch[:middle], handle, dead_letter)
        await apply_halving(batch[middle:], handle, dead_letter)


def _by_partition(batch: Sequence[Message]) -> list[list[Message]]:
    parts: dict[tuple[str, int], list[Message]] = {}
    for message in batch:
        parts.setdefault((message.topic, message.partition), []).append(message)
    return list(parts.values())


class BatchConsumer:
    """Consumes topics in one group and hands over batches, in order within each partition.

    Each lane applies one batch at a time, of partitions that no other lane has in hand, so that nothing is reordered.
    Small batches come one after the other, of all partitions: side by side they would only be smaller. Behind, each
    lane has partitions of its own, and while PostgreSQL works for one, Python works for another. Meanwhile the client
    fetches what follows, of each partition no more than one answer of the broker: backpressure instead of memory.
    What meets trouble is tried again by partition, and beside the lanes if that doesn't help: trouble with partitions
    holds up these and no others. Where the client library raises or skips, partitions are read by hand, and what
    cannot be read at all becomes one dead letter for its range of offsets. Offsets follow at intervals, when partitions
    are taken away, and at the end.

    Args:
        topics: logical names of the registry.
        handle: applies a batch in one transaction; must absorb what it has seen before.
        dead_letter: stores a record that can never be applied; may raise TransientError.
        secure: makes sure that what was applied outlives a crash, before its offsets are committed; for streams that
            do not do so with each batch. If it raises, the consumer ends, and what was not committed is read again.
        max_records: a batch is no larger, unless it was read by hand.
        lanes: how many batches may be applied at once.
        fetch_wait_ms: how long the broker may hold a fetch. The embedded broker does not wake a waiting fetch, so
            there it is the latency.
        fetch_bytes: at most so many bytes of each partition are fetched ahead.
        gather_ms: small batches are at least so far apart, for who is in no hurry: a batch for each record is dear.
            What follows a pause is applied at once.
        from_latest: start at the end when the group has no offsets.
        control: brings pauses and resets that operators ask for.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        topics: Sequence[str],
        group: str,
        handle: Handle,
        dead_letter: DeadLetter,
        secure: Secure | None = None,
        max_records: int = 2000,
        lanes: int = 1,
        fetch_wait_ms: int = 20,
        fetch_bytes: int = 2_097_152,
        gather_ms: int = 0,
        patience: float = 30.0,
        from_latest: bool = False,
        control: ConsumerControl | None = None,
    ) -> None:
        self.settings = settings
        self.group = group
        self.switch = ConsumerSwitch()
        self._control = control
        self._last_progress: float | None = None
        self.applied = 0
        self._entities = {topic_name(settings, entity): entity for entity in topics}
        self._handle = handle
        self._dead_letter = dead_letter
        self._max_records = max_records
        self._large = min(SMALL, max_records)
        self._membership = Membership(settings, group, list(self._entities), fetch_wait_ms, fetch_bytes, from_latest)
        self._gather_seconds, self._fetch_wait = gather_ms / 1000, fetch_wait_ms / 1000
        self._fetched_at = self._applied_at = 0.0
        self._tops_up = settings.broker == "kafka"  # the embedded broker reads all of a partition at each fetch
        self._watchdogs = [Watchdog(patience) for _ in range(lanes)]
        self._turn = asyncio.Lock()
        self._behind = False
        self._in_hand: set[TopicPartition] = set()
        self._due: asyncio.Queue[tuple[list[Message], float]] = asyncio.Queue()
        self._offsets = Offsets(group, secure)
        self._suspicious = False
        self._lag = LagMeter(group, self._offsets)
        self._reader = PartitionReader(group, self._entities, self._max_records)

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until ``stop`` is set.

        Raises:
            WatchdogExpired: records wait and none can be applied.
            TransientError: the broker does not answer; or something is left for the next start, because it could not be
                applied or may have been taken back.
        """
        if self._control is not None:
            await self._control.begin(self)
        consumer = self._membership.consumer(self._offsets)
        if not await self._membership.join(consumer, stop):
            return
        log.info("consumer.started", group=self.group, topics=list(self._entities))
        tasks = [asyncio.create_task(self._lane(consumer, stop, lane)) for lane in range(len(self._watchdogs))]
        tasks.append(asyncio.create_task(self._watch(consumer, stop)))
        tasks.append(asyncio.create_task(self._commit_at_intervals(consumer, stop)))
        if self._control is not None:
            tasks.append(asyncio.create_task(self._control.run(self, stop)))
        stopping, again = list(tasks), asyncio.create_task(self._try_again())
        tasks.append(again)
        try:
            finished, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not any(task.exception() for task in finished):
                await asyncio.wait(stopping, return_when=asyncio.FIRST_EXCEPTION)
            for task in tasks:
                if task.done():
                    task.result()
            if self._in_hand:
                raise TransientError("what could not be applied is left for the next start")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._offsets.commit_last(consumer)
            await close_consumer(consumer, 3.0)

    def _lane_of(self, partition: int) -> int:
        """Whose partition it is when the lanes work side by side.

        Two workers that share partitions in turn (0, 2, … and 1, 3, …) use all their lanes.
        """
        lanes = len(self._watchdogs)
        return partition // lanes % lanes

    async def _lane(self, consumer: Any, stop: asyncio.Event, lane: int) -> None:
        while not stop.is_set():
            if self.switch.is_paused():
                await self._rest(consumer, stop)
                continue
            async with self._turn:
                if stop.is_set() or self.switch.is_paused() or not (batch := await self._fetch(consumer, lane)):
                    continue
                self._behind = len(batch) >= self._large
                if not self._behind:
                    await self._apply(batch)
                    continue
            await self._apply(batch)

    async def _rest(self, consumer: Any, stop: asyncio.Event) -> None:
        """Wait a moment of a pause; now and then ask for no record, so that the group does not lose its member."""
        async with self._turn:
            await self._go_back(consumer)
            if self.switch.touch() and (free := consumer.assignment() - self._in_hand):
                consumer.pause(*free)
                try:
                    await consumer.getmany(*free, timeout_ms=0)
                finally:
                    consumer.resume(*(free & consumer.assignment()))
        await wait_for_event(stop, POLL_MS / 1000)

    async def _go_back(self, consumer: Any) -> None:
        """Apply resets that are due: where to go on is committed before a reset counts as applied."""
        free = consumer.assignment() - self._in_hand
        for partition, offset in self.switch.due(free, self._offsets.processed):
            log.warning("consumer.reset", group=self.group, topic=partition.topic, partition=partition.partition)
            consumer.seek(partition, offset)
            self._offsets.processed[partition] = offset
            await self._offsets.commit(consumer)
            self.switch.applied.append((partition, offset))

    async def apply_aside(self, messages: Sequence[Message]) -> None:
        """Apply records that come from elsewhere than the topic, between two batches of it.

        Raises:
            TransientError: nothing is wrong with them, and they must be applied again as they are.
        """
        async with self._turn:
            await apply_halving(messages, self._handle, self._dead_letter)

    def report(self) -> ConsumerReport:
        """Report positions, ends and the last progress."""
        places = [
            PartitionReport(self._entities[found.topic], found.partition, position, end)
            for found, (position, end) in sorted(self._lag.places.items())
        ]
        return ConsumerReport(self.switch.is_paused(), self._last_progress, places)

    def entity(self, topic: str) -> str | None:
        """The logical name of a topic that is consumed; None if it is not."""
        return self._entities.get(topic)

    def partition(self, entity: str, number: int) -> TopicPartition:
        """A partition of a topic by the topic's logical name."""
        return TopicPartition(topic_name(self.settings, entity), number)

    async def _fetch(self, consumer: Any, lane: int) -> list[Message]:
        """Reserve for this lane the records of partitions that no other lane holds."""
        # Reading begins a little before a batch is due: what the client has fetched keeps it from fetching more.
        until = 0.0 if self._behind else self._fetched_at + self._gather_seconds
        await asyncio.sleep(max(0.0, until - self._fetch_wait - time.monotonic()))
        await self._go_back(consumer)
        chosen = [
            found
            for found in consumer.assignment() - self._in_hand
            if not self._behind or self._lane_of(found.partition) == lane
        ]
        wait_ms = POLL_BESIDE_MS if self._in_hand or self._behind else POLL_MS
        if not chosen:
            await asyncio.sleep(wait_ms / 1000)
            self._behind = False
            return []
        suspicious, self._suspicious = self._suspicious, False
        found = await self._reader.read(consumer, chosen, self._offsets.processed, wait_ms=wait_ms, by_hand=suspicious)
        if not found:
            self._behind = False
            return []
        if self._tops_up and not self._behind and time.monotonic() - self._applied_at < BUSY_SECONDS:
            await self._top_up(consumer, chosen, found, TOP_UP_MS)
        while (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, self._fetch_wait / 2))
            if not await self._top_up(consumer, chosen, found, 0):
                break
        self._fetched_at = time.monotonic()
        self._in_hand.update(found)
        return [message for messages in found.values() for message in messages]

    async def _top_up(
        self, consumer: Any, chosen: Sequence[TopicPartition], found: dict[TopicPartition, list[Message]], wait_ms: int
    ) -> bool:
        """Add what came in meanwhile; returns whether there is room for more.

        The client fetches nothing more from a broker while records of one of its partitions wait to be read: those
        found first are the first few after the last batch, and a batch of them would make all others wait for it.
        """
        room = self._max_records - sum(map(len, found.values()))
        if room <= self._max_records - self._large:
            return False
        positions = dict(self._offsets.processed) | {one: read[-1].next_offset for one, read in found.items()}
        more = await self._reader.read(consumer, chosen, positions, wait_ms=wait_ms, at_most=room)
        for partition, messages in more.items():
            found.setdefault(partition, []).extend(messages)
        return True

    async def _apply(self, batch: list[Message]) -> None:
        """Apply a batch; what meets trouble is left to be tried again."""
        parts = await self._attempt([batch])
        if len(parts) > 1:
            parts = await self._attempt(parts)
        for part in parts:
            self._postpone(part, BACKOFF_FIRST)

    def _postpone(self, part: list[Message], backoff: float) -> None:
        """Try again later. Its partition stays in hand, so that nothing overtakes it."""
        asyncio.get_running_loop().call_later(backoff, self._due.put_nowait, (part, backoff))

    async def _try_again(self) -> None:
        """Apply postponed batches that are due, one partition after the other."""
        while True:
            part, backoff = await self._due.get()
            if self.switch.is_paused():
                self._postpone(part, BACKOFF_MOST / 10)
                continue
            if await self._attempt([part]):
                self._postpone(part, min(backoff * 2, BACKOFF_MOST))

    async def _attempt(self, parts: list[list[Message]]) -> list[list[Message]]:
        """Apply batches once; returns what met trouble, by partition."""
        left: list[list[Message]] = []
        for batch in parts:
            began = time.perf_counter()
            try:
                await self._apply_once(batch)
            except TransientError as error:
                log.warning("consumer.batch_retried", group=self.group, records=len(batch), reason=str(error))
                left += _by_partition(batch)
                continue
            except Exception as error:  # a dead letter that cannot be written even reduced: the watchdog judges
                log.error("consumer.deadletter_refused", group=self.group, records=len(batch), exc_info=error)
                left += _by_partition(batch)
                continue
            self._applied(batch, time.perf_counter() - began)
        return left

    async def _apply_once(self, batch: list[Message]) -> None:
        for message in batch:
            if message.unreadable_to is not None:
                await self._dead_letter(message, PermanentError(why_unreadable(message)))
        if readable := [message for message in batch if message.unreadable_to is None]:
            await apply_halving(readable, self._handle, self._dead_letter)

    def _applied(self, batch: list[Message], seconds: float) -> None:
        self.applied += len(batch)
        self._last_progress = time.time()
        self._applied_at = time.monotonic()
        metrics.CONSUMER_PROGRESS.labels(self.group).set(self._last_progress)
        for message in batch:
            self._offsets.processed[TopicPartition(message.topic, message.partition)] = message.next_offset
        for partition in {TopicPartition(message.topic, message.partition) for message in batch}:
            self._in_hand.discard(partition)
            self._watchdogs[self._lane_of(partition.partition)].progress()
        for topic, count in Counter(message.topic for message in batch).items():
            metrics.RECORDS_CONSUMED.labels(self.group, topic).inc(count)
        metrics.BATCH_SIZE.labels(self.group).observe(len(batch))
        metrics.BATCH_SECONDS.labels(self.group).observe(seconds)

    async def _commit_at_intervals(self, consumer: Any, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await wait_for_event(stop, COMMIT_INTERVAL)
            await self._offsets.commit(consumer)

    async def _watch(self, consumer: Any, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await wait_for_event(stop, LAG_INTERVAL)
            try:
                waiting = await asyncio.wait_for(self._lag.measure(consumer, self._in_hand), 10)
            except (KafkaError, OSError, TimeoutError):
                lags = [1] * len(self._watchdogs)
            else:
                lags = [0] * len(self._watchdogs)
                for partition, count in waiting.items():
                    lags[self._lane_of(partition.partition)] += count
            paused = self.switch.is_paused()
            metrics.CONSUMER_PAUSED.labels(self.group).set(paused)
            for watchdog, lag in zip(self._watchdogs, lags, strict=True):
                if paused:
                    watchdog.progress()
                    continue
                watchdog.check(lag)
                self._suspicious |= watchdog.worries(lag)
