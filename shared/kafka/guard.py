"""The guard of faust agents: a record counts as done when it was applied or dead-lettered, and at no other time.

Measured on faust 0.15.3, and kept true by tests: an exception in an agent's body acknowledges the record that raised
it, ``take()`` loses the batch around it, and a value that a codec cannot read is acknowledged too. Cancellation, as in
a rebalance or a shutdown, acknowledges what the body was working on. So agents take bytes, and their bodies are:

    async for event in stream.events():
        await guard.run(event, apply)

How it holds: faust acknowledges by counting references down. The guard takes one reference of its own and gives it back
only when the record is done; whatever else happens to the body, the offset cannot pass the record.

A record that does not follow the last one of its partition ends the worker: faust skipped what lies between, and would
commit past it. Gaps that the log itself has are passed.

Rules for agents under a guard: no ``take``, no ``noack``, no ``concurrency`` above 1, no ``exactly_once``; the app has
``stream_wait_empty=False``, or a stop would wait for the very record that cannot be applied.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import structlog
from aiokafka import TopicPartition

from shared.errors import PermanentError, TransientError
from shared.kafka.fetching import Gaps, UnreadableBytes
from shared.kafka.messages import Message
from shared.kafka.reading import message_from, why_unreadable

__all__ = ["GuardGaveUp", "RecordGuard", "message_of"]

log = structlog.get_logger(__name__)

BACKOFF_FIRST, BACKOFF_MOST = 0.05, 2.0

Apply = Callable[[Message], Awaitable[None]]
PutAside = Callable[[Message, Exception], Awaitable[None]]
StopWorker = Callable[[BaseException], Awaitable[None]]


class GuardGaveUp(Exception):
    """A record can neither be applied nor dead-lettered: the worker ends, and its supervisor starts it again."""


class RecordGuard:
    """Runs an agent's work on one record at a time.

    Args:
        entities: names of topics on the broker → their logical names.
        put_aside: stores a dead letter; may raise TransientError.
        stop_worker: ends the process with an error, usually ``app.crash``.
        patience: seconds for which one record may fail with TransientError before the worker is stopped.
        gaps: what logs lack; without it every gap stops the worker.
    """

    def __init__(
        self,
        entities: Mapping[str, str],
        *,
        dead_letter: PutAside,
        stop_worker: StopWorker,
        patience: float = 30.0,
        gaps: Gaps | None = None,
    ) -> None:
        self._entities = entities
        self._dead_letter = dead_letter
        self._stop_worker = stop_worker
        self._last: dict[tuple[str, int], int] = {}
        self._patience = patience
        self._gaps = gaps or Gaps()
        self.applied = 0
        self.aside = 0

    async def run(self, event: Any, apply: Apply) -> None:
        """Apply one record, or put it aside, or stop the worker; raises nothing but cancellation.

        ``apply`` raises TransientError to be called again with the same record; anything else that it raises makes the
        record a dead letter. It must change nothing before it is sure to succeed.
        """
        event.message.incref()
        record = message_of(event.message, self._entities)
        if not self._follows(record):
            await self._give_up(record, RuntimeError("records before it were skipped"))
        try:
            if record.unreadable_to is not None:
                raise PermanentError(why_unreadable(record))
            await self._with_patience(record, lambda: apply(record))
            self.applied += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not leave the body
            await self._aside(record, error)
        event.message.decref()

    def _follows(self, record: Message) -> bool:
        """Whether no record of its partition is missing between this one and the last; one may well come again."""
        place = record.topic, record.partition
        last = self._last.get(place, record.offset)
        if record.offset > last + 1 and not self._gaps.explain(place, last + 1, record.offset):
            return False
        self._last[place] = max(last, record.next_offset - 1)
        return True

    async def _aside(self, record: Message, error: Exception) -> None:
        log.warning("agent.record_dead_lettered", topic=record.topic, partition=record.partition, offset=record.offset)
        try:
            await self._with_patience(record, lambda: self._dead_letter(record, error))
            self.aside += 1
        except Exception as fatal:  # noqa: BLE001 - a record that cannot even be dead-lettered
            await self._give_up(record, fatal)

    async def _with_patience(self, record: Message, work: Callable[[], Awaitable[None]]) -> None:
        began, pause = time.monotonic(), BACKOFF_FIRST
        while True:
            try:
                await work()
                return
            except TransientError as error:
                if time.monotonic() - began >= self._patience:
                    await self._give_up(record, error)
                log.warning("agent.record_retried", topic=record.topic, offset=record.offset, reason=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, BACKOFF_MOST)

    async def _give_up(self, record: Message, error: BaseException) -> None:
        """Stop the worker, and hold the record until the shutdown cancels the body."""
        where = f"{record.topic}[{record.partition}]@{record.offset}"
        reason = GuardGaveUp(f"{where} can neither be applied nor dead-lettered: {error}")
        reason.__cause__ = error
        log.error("agent.worker_stopped", topic=record.topic, partition=record.partition, offset=record.offset)
        await self._stop_worker(reason)
        await asyncio.Event().wait()


def message_of(message: Any, entities: Mapping[str, str]) -> Message:
    """A faust message as the plain record that it was on the topic, or the range of offsets that it stands for."""
    entity = entities.get(message.topic, message.topic)
    if isinstance(message.value, UnreadableBytes):
        return message_from(TopicPartition(message.topic, message.partition), entity, message.value.unreadable)
    raw: Iterable[tuple[str, bytes | None]] = (
        message.headers.items() if isinstance(message.headers, Mapping) else message.headers or ()
    )
    return Message(
        message.topic,
        entity,
        message.partition,
        message.offset,
        message.key,
        message.value,
        [(name, value) for name, value in raw],
        int((message.timestamp or 0.0) * 1000),
    )
