"""Replays dead letters in the worker whose consumer refused them: the stored bytes go through the same handler again.

The batches grow, 1, 2, 4, … up to `MOST`, at a bounded rate. A replay stops by itself when a record fails again. What
was applied is known by the handler's own tables, so a worker that dies between a batch and its mark applies it again
and changes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import structlog

from shared import deadletters
from shared.deadletters import DeadLetter, fingerprint
from shared.errors import TransientError
from shared.ids import new_id
from shared.kafka.consumer import Message
from shared.postgres import Database, load_queries
from shared.telemetry.logging import mask
from shared.waiting import wait_for_event

__all__ = ["KEPT_DAYS", "LetterReplayer"]

_SQL = load_queries(__file__)
_log = structlog.get_logger(__name__)

KEPT_DAYS = 30
"""How long the bytes of decided letters are kept, and how long a discard can be taken back."""
MOST = 100
RATE = 200.0
"""Records per second at most."""
IDLE_SECONDS, PURGE_SECONDS = 1.0, 3600.0
LEASE_SECONDS = 30.0
"""Longer than a batch takes; after it another worker goes on with the replay of one that died."""

Apply = Callable[[Sequence[Message]], Awaitable[None]]
Place = tuple[str, int, int, bytes]


def _place(message: Message) -> Place:
    """Identify a record: after a rebirth of the broker an offset holds another one."""
    return message.topic, message.partition, message.offset, fingerprint(message)


@dataclass(frozen=True, slots=True)
class _Batch:
    replay_id: UUID
    by: str
    size: int
    letters: Sequence[tuple[int, Message]]


class LetterReplayer:
    """Replays letters of one consumer group.

    Args:
        apply: applies records as the consumer does; raises TransientError to be called again.
        entity: the logical name of a topic on the broker, None if the group does not read it.
        lease: seconds for which a batch is this worker's alone.
    """

    def __init__(
        self,
        db: Database,
        group: str,
        apply: Apply,
        entity: Callable[[str], str | None],
        *,
        lease: float = LEASE_SECONDS,
    ) -> None:
        self._db = db
        self._group = group
        self._apply = apply
        self._entity = entity
        self._lease = lease
        self._holder = new_id()

    async def run(self, stop: asyncio.Event) -> None:
        """Replay what is asked for, and reduce old letters to hashes, until ``stop`` is set."""
        loop = asyncio.get_running_loop()
        purged = loop.time() - PURGE_SECONDS
        while not stop.is_set():
            done = 0
            try:
                done = await self.step()
                if loop.time() - purged > PURGE_SECONDS:
                    purged = loop.time()
                    await self.reduce_decided()
            except TransientError as error:
                _log.warning("replay.postponed", group=self._group, reason=str(error))
            await wait_for_event(stop, done / RATE if done else IDLE_SECONDS)

    async def reduce_decided(self) -> None:
        """Replace the bytes of letters that were decided long ago by a hash."""
        async with self._db.transaction() as tx:
            await tx.execute(_SQL["reduce_decided"], self._group, KEPT_DAYS)

    async def step(self) -> int:
        """Replay one batch; returns how many records it had, 0 if there is nothing to replay.

        Raises:
            TransientError: the batch may be applied later; its records stay claimed.
        """
        batch = await self._next()
        if batch is None or not batch.letters:
            return 0
        with deadletters.caught_letters() as failures:
            await self._apply([message for _, message in batch.letters])
        await self._mark(batch, {_place(one.message): one for one in failures})
        return len(batch.letters)

    async def _next(self) -> _Batch | None:
        async with self._db.transaction() as tx:
            job = await tx.fetchrow(_SQL["lease_replay"], self._group, self._holder, self._lease)
            if job is None:
                return None
            letters = await tx.fetch(_SQL["next_letters"], job["replay_id"], job["next_batch"])
            if not letters:
                await tx.execute(_SQL["end_replay"], job["replay_id"], "done")
                _log.info("replay.done", group=self._group, replay_id=str(job["replay_id"]))
        messages = [(row["id"], self._message(row)) for row in letters]
        return _Batch(job["replay_id"], str(job["requested_by"]), job["next_batch"], messages)

    def _message(self, row: Any) -> Message:
        headers = [(name, text.encode()) for name, text in orjson.loads(row["headers"]).items()]
        entity = self._entity(row["topic"]) or row["topic"]
        key, value = row["key"], row["value"]
        return Message(row["topic"], entity, row["partition"], row["offset"], key, value, headers, 0)

    async def _mark(self, batch: _Batch, failures: dict[Place, DeadLetter]) -> None:
        failed = [(number, failures[_place(one)]) for number, one in batch.letters if _place(one) in failures]
        applied = [number for number, one in batch.letters if _place(one) not in failures]
        async with self._db.transaction() as tx:
            marked = await tx.fetch(_SQL["mark_replayed"], applied, batch.replay_id, batch.by)
            first, why = None, None
            for number, letter in failed:
                reason = letter.reason[:4000].encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
                await tx.fetchval(_SQL["mark_failed"], number, batch.replay_id, reason, letter.kind)
                first, why = first or number, why or mask(reason[:1000])
            size = min(batch.size * 2, MOST)
            await tx.execute(_SQL["progress"], batch.replay_id, len(marked), len(failed), size, first, why)
            if failed:
                await tx.execute(_SQL["end_replay"], batch.replay_id, "stopped")
                await tx.execute(_SQL["release_letters"], batch.replay_id)
        if failed:
            _log.warning("replay.stopped", group=self._group, replay_id=str(batch.replay_id), letter=first)
