"""The progress of the agents: records that faust holds and no agent has handled are lag."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition

from services.operations.live.progress import AgentProgress

TOPIC, OTHER = TopicPartition("volunteering.points.v1", 0), TopicPartition("operations-live-changelog", 0)


@dataclass
class Consumer:
    """Faust's consumer, which has fetched up to ``fetched`` of a topic that ends at ``end``."""

    fetched: int
    end: int | None
    assigned: set[TopicPartition] = field(default_factory=lambda: {TOPIC, OTHER})

    def assignment(self) -> set[TopicPartition]:
        return self.assigned

    async def position(self, place: TopicPartition) -> int:
        return self.fetched

    def highwater(self, place: TopicPartition) -> int | None:
        return self.end


def record(offset: int) -> Any:
    return SimpleNamespace(topic=TOPIC.topic, partition=TOPIC.partition, offset=offset)


async def test_what_is_fetched_and_not_handled_is_lag() -> None:
    progress = AgentProgress("operations-live", {TOPIC.topic: "points"})
    consumer = Consumer(fetched=7, end=7)
    [begun] = (await progress.report(consumer)).partitions
    assert (begun.topic, begun.position, begun.end) == ("points", 7, 7)
    consumer.fetched = consumer.end = 40  # faust takes records while its agent stands still
    [still] = (await progress.report(consumer)).partitions
    assert (still.position, still.end) == (7, 40)
    for offset in range(7, 40):
        progress.note(record(offset))
    report = await progress.report(consumer)
    assert [(one.position, one.end) for one in report.partitions] == [(40, 40)]
    assert report.last_progress is not None


async def test_an_end_that_is_not_known_yet_is_no_lag_and_a_log_that_began_anew_goes_back() -> None:
    progress = AgentProgress("operations-live", {TOPIC.topic: "points"})
    progress.note(record(99))
    [found] = (await progress.report(Consumer(fetched=100, end=None))).partitions
    assert (found.position, found.end) == (100, 100)
    progress.note(record(0))
    [found] = (await progress.report(Consumer(fetched=1, end=3))).partitions
    assert (found.position, found.end) == (1, 3)
