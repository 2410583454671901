"""Tables of faust agents that never lag behind what their source has acknowledged, and cost little.

faust sends each change of a table by itself, at once, and waits for none of them; offsets follow on a timer, so that a
process killed in between may find its tables older than its offsets. Here a change only marks its key. Before faust
commits, each marked key is sent once, as it is then, in real batches; offsets are committed when the broker has all of
it; if that fails the worker ends. So a table restored is as new as the offsets or newer: whoever applies a record to it
twice must find the same (integrity), or not mind (the pulse).

What this rests on, in faust 0.15.3: every commit (timer, stop, `commit_every`) goes through `_handle_attached`; a
rebalance forgets what was acknowledged since the last commit, and it is done again. Two processes of one group hold a
partition one after the other; nothing fences one that was frozen meanwhile and writes on.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import faust
import structlog
from faust.exceptions import ProducerSendError
from faust.transport.consumer import ensure_TP
from faust.transport.drivers.aiokafka import Consumer

__all__ = ["Changes", "Following", "TablesApp"]

_log = structlog.get_logger(__name__)

PATIENCE = 30.0
"""Seconds within which the broker takes a flush; then the worker ends, and its supervisor starts it again."""

Marked = dict[int, set[Any]]
"""Partition → keys."""


Convert = Callable[[Any], Any]


class Change(NamedTuple):
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
        """Mark the key: its end is told too."""
        partition = self._mark(key)
        self._maybe_del_key_ttl(key, partition)

    def _mark(self, key: Any) -> int:
        partition: int = self.partition_for_key(key)
        self.marked[partition].add(key)
        return partition

    def take(self) -> tuple[Marked, dict[int, list[Change]]]:
        """What is marked, no longer so from now on, and its bytes by partition."""
        marked, self.marked = self.marked, defaultdict(set)
        return marked, {partition: [self._change(key) for key in keys] for partition, keys in marked.items() if keys}

    def give_back(self, marked: Marked) -> None:
        """It was not sent after all."""
        for partition, keys in marked.items():
            self.marked[partition] |= keys

    def _change(self, key: Any) -> Change:
        dumps, value = self.app.serializers, self.data.get(key)
        if self._pack is not None and value is not None:
            value = self._pack(value)
        return Change(
            dumps.dumps_key(self.key_type, key, serializer=self.key_serializer),
            None if value is None else dumps.dumps_value(self.value_type, value, serializer=self.value_serializer),
        )

    def _to_value(self, stored: Any) -> Any:
        return stored if self._unpack is None or stored is None else self._unpack(stored)

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Restore, but for what is marked: a rebalance reads the changelog again, and that is older."""
        super().apply_changelog_batch(
            event for event in batch if self._to_key(event.key) not in self.marked.get(event.message.partition, ())
        )

    async def on_rebalance(self, assigned: Any, revoked: Any, newly_assigned: Any, generation_id: int = 0) -> None:
        """Forget marks of partitions that went away: whoever has them now does anew what was not committed."""
        mine = {tp.partition for tp in self.app.assignor.assigned_actives() if tp.topic == self.changelog_topic_name}
        for partition in self.marked.keys() - mine:
            del self.marked[partition]
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)


class Changes:
    """What must be on the broker before offsets are committed.

    Args:
        last_alone: end each flush of a partition with a batch of one record. The embedded broker (Tansu 0.6) answers
            ListOffsets with the first offset of the last batch plus one, and faust restores tables up to there only.
    """

    def __init__(self, app: Any, *, last_alone: bool, patience: float = PATIENCE) -> None:
        self._app = app
        self._last_alone = last_alone
        self._patience = patience
        self._told: list[Awaitable[Any]] = []
        self._flushing = asyncio.Lock()

    async def settled(self) -> None:
        """Wait for the flush under way."""
        async with self._flushing:
            pass

    async def tell(self, topic: str, key: bytes, value: bytes, headers: Mapping[str, bytes]) -> None:
        """Send a record in the company of others; the next commit waits until the broker has it."""
        self._told.append(await self._app.producer.send(topic, key, value, None, None, headers))

    async def flush(self) -> None:
        """Send what is marked and return when the broker has it, and all that was told before.

        Tables follow one another in the order in which they were made: what dies between two of them leaves the later
        one as it was. Values are of one moment. If it fails, everything stays marked.

        Raises:
            KafkaError: the broker did not take something.
            TimeoutError: it did not answer.
        """
        async with self._flushing:
            told, self._told = self._told, []
            tables = [table for table in self._app.tables.values() if isinstance(table, DurableTable)]
            taken = [(table, *table.take()) for table in tables]
            try:
                async with asyncio.timeout(self._patience):
                    await _acknowledged(told)
                    for table, _, changes in taken:
                        await self._send(table.changelog_topic_name, changes)
            except BaseException:
                self._told = told + self._told
                for table, marked, _ in taken:
                    table.give_back(marked)
                raise

    async def _send(self, topic: str, changes: Mapping[int, list[Change]]) -> None:
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

    def _batches(self, producer: Any, changes: list[Change]) -> Iterator[Any]:
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


class Following:
    """Which record of each partition is due: the one after the last that was taken."""

    def __init__(self) -> None:
        self._due: dict[Any, int] = {}

    def begin(self, partition: Any, offset: int) -> None:
        """It is read from here on; of what is on its way from before, more may have been taken already."""
        self._due[partition] = max(offset, self._due.get(partition, 0))

    def take(self, partition: Any, offset: int) -> bool:
        """Whether the record follows, or came before; False if there is one missing between."""
        due = self._due.get(partition, offset)
        if offset > due:
            return False
        self._due[partition] = max(due, offset + 1)
        return True


class _DurableConsumer(Consumer):
    """Commits after the flush, and only what follows without a gap on what was committed before.

    When its group changes faust may drop records that it has polled, read on behind them, and take what is missing for
    a gap of the log. `follows` finds it out.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._following = Following()

    async def perform_seek(self) -> None:
        """Go back to what is committed, everywhere."""
        begins = await self.earliest_offsets(*self.assignment())
        await super().perform_seek()
        # At once: what comes next is held against it.
        for tp, begin in begins.items():
            self._following.begin(ensure_TP(tp), max(begin, self._committed_offset[ensure_TP(tp)] or 0))

    def follows(self, message: Any) -> bool:
        """Whether nothing is missing between this record and the last one of its partition."""
        return self._following.take(message.tp, message.offset)

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """Nothing: there are none in a log without transactions."""

    async def on_partitions_revoked(self, revoked: Any) -> None:
        # Whoever restores these partitions, perhaps this very process, reads up to what was there when it began.
        await self.app.changes.settled()
        await super().on_partitions_revoked(revoked)

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
    """A faust app whose tables, and what is told through `changes`, are on the broker before offsets are committed."""

    def __init__(self, name: str, *, last_alone: bool, **options: Any) -> None:
        super().__init__(name, Table=DurableTable, **options)
        self.changes = Changes(self, last_alone=last_alone)

    def _new_consumer(self) -> Any:
        return _DurableConsumer(
            self.transport,
            callback=self.topics.on_message,
            on_partitions_revoked=self._on_partitions_revoked,
            on_partitions_assigned=self._on_partitions_assigned,
            beacon=self.beacon,
        )
