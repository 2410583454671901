"""Switches of a running consumer: pauses, and earlier offsets to go back to."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aiokafka import TopicPartition

if TYPE_CHECKING:
    import asyncio

    from shared.kafka.consumer import BatchConsumer

__all__ = ["ConsumerControl", "ConsumerReport", "ConsumerSwitch", "PartitionReport"]

TOUCH_SECONDS = 60.0
"""A paused consumer asks for nothing so often, which keeps it in its group (``max_poll_interval_ms``)."""


@dataclass(frozen=True, slots=True)
class PartitionReport:
    """A partition of a consumer: the first offset that is not applied, and the first that does not exist yet."""

    topic: str
    partition: int
    position: int
    end: int


@dataclass(frozen=True, slots=True)
class ConsumerReport:
    """A consumer as it is now; ``last_progress`` is the Unix time at which it last applied something."""

    paused: bool
    last_progress: float | None
    partitions: Sequence[PartitionReport]


class ConsumerControl(Protocol):
    """Brings what operators ask to a consumer, and reports about it."""

    async def begin(self, consumer: "BatchConsumer") -> None:
        """Set the switch before the first record is read.

        Raises:
            TransientError: it is not known whether the consumer is paused.
        """

    async def run(self, consumer: "BatchConsumer", stop: "asyncio.Event") -> None:
        """Keep the switch true until ``stop`` is set."""


class ConsumerSwitch:
    """The pause of one consumer, and the offsets that it has still to go back to."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._paused_until = 0.0
        self._touched = 0.0
        self._resets: dict[TopicPartition, int] = {}
        self.applied: list[tuple[TopicPartition, int]] = []
        """Resets whose offsets are committed, until the control has noted them."""

    def is_paused(self) -> bool:
        """Whether nothing may be applied now; a pause lapses by itself."""
        return self._clock() < self._paused_until

    def pause(self, seconds: float) -> None:
        """Pause for so many seconds from now; 0 resumes."""
        self._paused_until = self._clock() + seconds if seconds > 0 else 0.0

    def touch(self) -> bool:
        """Whether a paused consumer is due to show that it is alive."""
        if self._clock() - self._touched < TOUCH_SECONDS:
            return False
        self._touched = self._clock()
        return True

    def reset(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Ask to go back in partitions, each at the next time that nothing of it is in hand."""
        self._resets = dict(offsets)

    def due(
        self, partitions: set[TopicPartition], processed: Mapping[TopicPartition, int]
    ) -> Iterator[tuple[TopicPartition, int]]:
        """Yield resets of partitions that are free, each once; what would lead forwards is passed by as applied."""
        for partition in [one for one in self._resets if one in partitions]:
            offset = self._resets.pop(partition)
            if (done := processed.get(partition)) is None or offset < done:
                yield partition, offset
            else:
                self.applied.append((partition, offset))
