"""Brings pauses, resets and replays from a service's tables to its consumers, and reports how the consumers are."""

import asyncio

import structlog
from aiokafka import TopicPartition

from shared.deadletters.replay import LEASE_SECONDS, LetterReplayer
from shared.errors import TransientError
from shared.kafka.consumer import BatchConsumer
from shared.operators.members import MemberReports
from shared.postgres import Database, load_queries
from shared.waiting import wait_for_event

__all__ = ["LAPSE_HOURS", "DatabaseControl"]

_SQL = load_queries(__file__)
_log = structlog.get_logger(__name__)

LAPSE_HOURS = 4
"""After so long a pause ends by itself, and a reset that no consumer applied is forgotten."""
POLL_SECONDS = 1.0


class DatabaseControl:
    """The control of one consumer group by rows of its service's schema.

    Args:
        group: the group as operators and dead letters name it.
        replays: whether dead letters of the group can be replayed by its handler.
    """

    def __init__(self, db: Database, group: str, *, replays: bool = True, lease: float = LEASE_SECONDS) -> None:
        self._db = db
        self._group = group
        self._replays = replays
        self._lease = lease
        self._reports = MemberReports(group)

    async def begin(self, consumer: BatchConsumer) -> None:
        """Set the pause before the first record is read.

        Raises:
            TransientError: the database does not answer.
        """
        async with self._db.transaction() as tx:
            consumer.switch.pause(await tx.fetchval(_SQL["pause_seconds"], self._group) or 0.0)
            await self._reports.begin(tx)

    async def run(self, consumer: BatchConsumer, stop: asyncio.Event) -> None:
        """Poll until ``stop`` is set; trouble with the database is waited out, and a known pause goes on meanwhile."""
        async with asyncio.TaskGroup() as group:
            if self._replays:
                replayer = LetterReplayer(
                    self._db, self._group, consumer.apply_aside, consumer.entity, lease=self._lease
                )
                group.create_task(replayer.run(stop))
            group.create_task(self._poll(consumer, stop))

    async def _poll(self, consumer: BatchConsumer, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._exchange(consumer)
            except TransientError as error:
                _log.warning("control.postponed", group=self._group, reason=str(error))
            await wait_for_event(stop, POLL_SECONDS)

    async def _exchange(self, consumer: BatchConsumer) -> None:
        applied = list(consumer.switch.applied)
        report = consumer.report()
        async with self._db.transaction() as tx:
            for partition, offset in applied:
                entity = consumer.entity(partition.topic)
                await tx.execute(_SQL["reset_applied"], self._group, entity, partition.partition, offset)
            await self._reports.write(tx, report)
            paused = await tx.fetchval(_SQL["pause_seconds"], self._group)
            resets = await tx.fetch(_SQL["open_resets"], self._group, LAPSE_HOURS)
        for done in applied:
            consumer.switch.applied.remove(done)
        consumer.switch.pause(paused or 0.0)
        # What was applied since the transaction is noted next time; going back to it twice would change nothing.
        pending = set(consumer.switch.applied)
        wanted: dict[TopicPartition, int] = {}
        for row in resets:
            place = consumer.partition(row["topic"], row["partition"])
            if (place, row["to_offset"]) not in pending:
                wanted[place] = row["to_offset"]
        consumer.switch.reset(wanted)
