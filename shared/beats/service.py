"""The beat of a service: its processes, consumers and outbox, as its relay publishes them every few seconds."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import structlog

from shared.clock import real_now
from shared.cloudevents import encode
from shared.contracts import ConsumerBeat, ProcessBeat, ServiceBeat, TopicBeat
from shared.heartbeats.lives import stored_lives
from shared.kafka.topics import topic_name
from shared.operators import consumers
from shared.operators.consumers import ConsumerState, PartitionState
from shared.outbox import event
from shared.postgres import Database
from shared.settings import Settings

__all__ = ["LIVES_SECONDS", "ServiceBeats", "topic_beats"]

_log = structlog.get_logger(__name__)

LIVES_SECONDS = 1200.0
"""How long a crash stays in the beats: longer than the window in which crashes are counted."""
MOST_LIVES = 100


class ServiceBeats:
    """Publishes the beats of one service with its relay's producer.

    A beat does not pass the outbox: a beat about an outbox that is not sent would wait in it.
    """

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db = db
        self._service = settings.service
        self._topic = topic_name(settings, "beats")

    async def publish(self, producer: Any, depth: int, age_seconds: float) -> None:
        """Publish one beat; a failure is logged, and the next beat says the same.

        Args:
            depth: events of the outbox that are not sent; the oldest is ``age_seconds`` old.
        """
        try:
            beat = await self._beat(depth, age_seconds)
            headers, value = encode(event(beat, source=f"weiguang/{self._service}", aggregate_version=1))
            future = await producer.send(self._topic, value, self._service.encode(), headers=headers)
        except Exception as error:  # noqa: BLE001 - whatever it is, the outbox must go on
            _log.warning("beat.not_published", service=self._service, error=repr(error))
            return
        future.add_done_callback(_ignored)

    async def _beat(self, depth: int, age_seconds: float) -> ServiceBeat:
        async with self._db.snapshot() as tx:
            lives = await stored_lives(tx, LIVES_SECONDS, MOST_LIVES)
            states = await consumers.states(tx)
        return ServiceBeat(
            service=self._service,
            at=real_now(),
            outbox_depth=depth,
            outbox_age_seconds=max(0.0, age_seconds),
            processes=tuple(ProcessBeat(**dict(life)) for life in lives),
            consumers=tuple(_consumer(group, state) for group, state in sorted(states.items())),
        )


def _ignored(future: Any) -> None:
    if not future.cancelled():
        future.exception()


def _consumer(group: str, state: ConsumerState) -> ConsumerBeat:
    return ConsumerBeat(
        group=group,
        paused=state.pause is not None,
        running=any(member.live for member in state.members),
        topics=topic_beats(state.partitions),
    )


def topic_beats(partitions: Iterable[PartitionState]) -> tuple[TopicBeat, ...]:
    """Sum up the partitions of each topic."""
    sums: defaultdict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for one in partitions:
        position, end = sums[one.topic]
        sums[one.topic] = position + one.position, end + max(one.end, one.position)
    return tuple(TopicBeat(topic=topic, position=at, end=end) for topic, (at, end) in sorted(sums.items()))
