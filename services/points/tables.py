"""faust agents that one process runs alone, with tables that never lag behind what their source has acknowledged.

faust sends each change of a table by itself, at once, and waits for none of them; offsets follow on a timer, so that a
process killed in between may find its tables older than its offsets. Here a change only marks its key. Before faust
commits, each marked key is sent once, as it is then, in real batches; offsets are committed when the broker has all of
it; if that fails the worker ends. So a restored table is as new as the offsets or newer: an agent that applies
a record to it twice must find the same (integrity), or not mind (the pulse).

Partitions are taken by hand, all at once and for good, and not shared out by a consumer group: when its group changes,
faust drops records that it has polled, and goes back to the committed offset only where there is one. A process that
runs such an app makes sure that it is the only one (`services.points.agents` holds a lock).

What this rests on, in faust 0.15.3: every commit (timer, stop, `commit_every`) goes through `_handle_attached`; the
assignor can be asked what a group of one gets; faust restores its tables when its listener hears of it.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import faust
import structlog
from faust.exceptions import ProducerSendError
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer
from faust.types import TP

from shared.kafka.fetching import Fetching, Gaps

__all__ = ["Changes", "TablesApp"]

_log = structlog.get_logger(__name__)

PATIENCE = 30.0
"""Seconds within which the broker takes a flush; then the worker ends, and its supervisor starts it again."""
GATHER_SECONDS, FEW = 0.2, 500
"""After a read of fewer records than that, the next one waits so long."""

Marked = dict[int, set[Any]]
"""Partition → keys."""


Convert = Callable[[Any], Any]


class TableChange(NamedTuple):
    """A key as it is now, as bytes; no value if it is gone."""

    key: bytes
    value: bytes | None


class DurableTable(faust.Table):
    """A table whose changes wait for the commit.

    Args:
        pack: makes JSON of a value when it is sent.
        unpack: makes the value again when it is restored.
    """

    def __init__(self, *args: Any, pack: Convert | None = None, unpack: Convert | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._pack = pack
        self._unpack = unpack
        self.marked: Marked = defaultdict(set)

    def on_key_get(self, key: Any) -> None:
        """Nothing: faust would count it."""

    def on_key_set(self, key: Any, value: Any) -> None:
        """Mark the key."""
        partition = self._mark(key)
        self._maybe_set_key_ttl(key, partition)

    def on_key_del(self, key: Any) -> None:
        """Mark the key: its end is sent too."""
        partition = self._mark(key)
        self._maybe_del_key_ttl(key, partition)

    def _mark(self, key: Any) -> int:
        partition: int = self.partition_for_key(key)
        self.marked[partition].add(key)
        return partition

    def take(self) -> tuple[Marked, dict[int, list[TableChange]]]:
        """Return what is marked, unmark it, and return its bytes by partition."""
        marked, self.marked = self.marked, defaultdict(set)
        return marked, {partition: [self._change(key) for key in keys] for partition, keys in marked.items() if keys}

    def restore(self, marked: Marked) -> None:
        """It was not sent after all."""
        for partition, keys in marked.items():
            self.marked[partition] |= keys

    def _change(self, key: Any) -> TableChange:
        dumps, value = self.app.serializers, self.data.get(key)
        if self._pack is not None and value is not None:
            value = self._pack(value)
        return TableChange(
            dumps.dumps_key(self.key_type, key, serializer=self.key_serializer),
            None if value is None else dumps.dumps_value(self.value_type, value, serializer=self.value_serializer),
        )

    def _to_value(self, stored: Any) -> Any:
        return stored if self._unpack is None or stored is None else self._unpack(stored)


class Changes:
    """The changes that must be on the broker before offsets are committed.

    Args:
        last_alone: end each flush of a partition with a batch of one record. The embedded broker (Tansu 0.6) answers
            ListOffsets with the first offset of the last batch plus one, and faust restores tables up to there only.
    """

    def __init__(self, app: Any, *, last_alone: bool, patience: float = PATIENCE) -> None:
        self._app = app
        self._last_alone = last_alone
        self._patience = patience
        self._unacknowledged: list[Awaitable[Any]] = []
        self._flushing = asyncio.Lock()

    async def send(self, topic: str, key: bytes, value: bytes, headers: Mapping[str, bytes]) -> None:
        """Send a record in the company of others; the next commit waits until the broker has it."""
        self._unacknowledged.append(await self._app.producer.send(topic, key, value, None, None, headers))

    async def flush(self) -> None:
        """Send what is marked and return when the broker has it, and all that was sent before.

        Tables follow one another in the order in which they were made: what dies between two of them leaves the later
        one as it was. Values are of one moment. If it fails, everything stays marked.

        Raises:
            KafkaError: the broker did not take something.
            TimeoutError: it did not answer.
        """
        async with self._flushing:
            unacknowledged, self._unacknowledged = self._unacknowledged, []
            tables = [table for table in self._app.tables.values() if isinstance(table, DurableTable)]
            taken = [(table, *table.take()) for table in tables]
            try:
                async with asyncio.timeout(self._patience):
                    await _acknowledged(unacknowledged)
                    for table, _, changes in taken:
                        await self._send(table.changelog_topic_name, changes)
            except BaseException:
                self._unacknowledged = unacknowledged + self._unacknowledged
                for table, marked, _ in taken:
                    table.restore(marked)
                raise

    async def _send(self, topic: str, changes: Mapping[int, list[TableChange]]) -> None:
        """Round by round: a partition takes its next batch when the one before has left."""
        producer: Any = self._app.producer._producer  # faust's own knows no batches
        left = {partition: self._batches(producer, found) for partition, found in changes.items()}
        sent: list[Awaitable[Any]] = []
        while left:
            for partition in list(left):
                batch = next(left[partition], None)
                if batch is None:
                    del left[partition]
                else:
                    sent.append(await producer.send_batch(batch, topic, partition=partition))
        await _acknowledged(sent)

    def _batches(self, producer: Any, changes: list[TableChange]) -> Iterator[Any]:
        batch, size = producer.create_batch(), 0
        for number, change in enumerate(changes, 1):
            alone = self._last_alone and number == len(changes)
            if size and (alone or batch.append(timestamp=None, key=change.key, value=change.value) is None):
                yield _closed(batch)
                batch, size = producer.create_batch(), 0
            if not size and batch.append(timestamp=None, key=change.key, value=change.value) is None:
                raise ValueError(f"a change of {len(change.value or b'')} bytes fits into no batch")
            size += 1
        if size:
            yield _closed(batch)


def _closed(batch: Any) -> Any:
    """Nothing joins it: it leaves at once."""
    batch.close()
    return batch


async def _acknowledged(sent: list[Awaitable[Any]]) -> None:
    """Wait for all; those that failed raise. Not `gather`: a stop in between must not cancel what is on its way."""
    if sent:
        done, _ = await asyncio.wait([asyncio.ensure_future(one) for one in sent])
        for one in done:
            one.result()


class _Alone(AIOKafkaConsumerThread):
    """Takes all partitions of what is subscribed to, as the assignor of a group of one would share them out."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._taken: frozenset[str] = frozenset()
        self._fetching = Fetching(self.app.conf.id, self.app.gaps, self.consumer._is_changelog_tp)

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Begin with the topics as soon as all of them exist.

        The topics of the agents are fixed at their start: none is added later.
        """
        if not self._taken:
            self._taken = frozenset(topics)
            await self.call_thread(self._begin)

    async def _begin(self) -> None:
        # Not awaited: the listener of the assignment asks this thread for more.
        self.add_future(self._take(self._taken))

    async def _take(self, topics: frozenset[str]) -> None:
        consumer, assignor = self._ensure_consumer(), self.app.assignor
        cluster = await self._known(consumer._client, topics)
        shared_out = assignor.assign(cluster, {"": assignor.metadata(set(topics))})[""]
        assignor.on_assignment(shared_out)
        partitions = shared_out.partitions()
        await self._rebalance_listener.on_partitions_revoked(())
        consumer.assign(partitions)
        await self._rebalance_listener.on_partitions_assigned(partitions)

    async def _fetch_records(
        self, consumer: Any, active_partitions: Any, timeout: float | None = None, max_records: int | None = None
    ) -> Any:
        async def client() -> Any:
            return await AIOKafkaConsumerThread._fetch_records(
                self, consumer, active_partitions, timeout=timeout, max_records=max_records
            )

        return await self._fetching.fetch(consumer, active_partitions, client)

    async def _known(self, client: Any, topics: frozenset[str]) -> Any:
        """The cluster's metadata, once it knows all the topics."""
        await client.set_topics(topics)
        while missing := [topic for topic in topics if not client.cluster.partitions_for_topic(topic)]:
            _log.warning("tables.no_topic_yet", topics=sorted(missing))
            await self.sleep(1.0)
            await client.force_metadata_update()
        return client.cluster


class _DurableConsumer(Consumer):
    """Commits after the flush, and reads no record before tables are restored.

    When they are, faust resumes its partitions, looks up what is committed, and empties the streams' queues: records
    that it had read in between were gone for good.

    Few records are left to gather for a moment: agents are in no hurry, and one fetch for each record is dear.
    """

    _few = False
    _read_at = 0.0

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _Alone(self, loop=self.loop, beacon=self.beacon)

    async def _getmany(self, active_partitions: Any, timeout: float) -> Any:
        if self.app.rebalancing:
            # A set of its own: to the other one faust adds partitions while the broker is still being waited for.
            active_partitions = {tp for tp in active_partitions if self._is_changelog_tp(tp)}
        elif self._few and (pause := self._read_at + GATHER_SECONDS - time.monotonic()) > 0:
            await self.sleep(pause)
        found = await super()._getmany(active_partitions, timeout)
        for place, missing, behind in self.app.gaps.new():  # faust itself overlooks a gap behind offset 0
            await super()._add_gap(TP(*place), missing, behind - 1)
        self._few = sum(map(len, found.values())) < FEW
        self._read_at = time.monotonic()
        return found

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """Nothing: what faust finds missing must not be committed past; the log's own gaps are added when fetched."""

    async def _commit_tps(self, tps: Any, start_new_transaction: bool) -> bool:
        if self.app.rebalancing:  # until tables are restored
            return False
        return bool(await super()._commit_tps(tps, start_new_transaction))

    async def _handle_attached(self, commit_offsets: Any) -> None:
        await super()._handle_attached(commit_offsets)
        try:
            await self.app.changes.flush()
        except Exception as error:  # faust ends the worker for this one, whatever else it was
            _log.error("tables.not_flushed", error=type(error).__name__, exc_info=error)
            raise ProducerSendError(f"tables were not flushed: {error!r}") from error


class TablesApp(faust.App):
    """A faust app whose tables, and what is sent through `changes`, are on the broker before offsets are committed."""

    def __init__(self, name: str, *, last_alone: bool, **options: Any) -> None:
        super().__init__(name, Table=DurableTable, **options)
        self.changes = Changes(self, last_alone=last_alone)
        self.gaps = Gaps()

    def _new_consumer(self) -> Any:
        return _DurableConsumer(
            self.transport,
            callback=self.topics.on_message,
            on_partitions_revoked=self._on_partitions_revoked,
            on_partitions_assigned=self._on_partitions_assigned,
            beacon=self.beacon,
        )
