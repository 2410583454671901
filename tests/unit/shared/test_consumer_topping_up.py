"""What comes in while a batch is applied joins the next batch, in order, where records are many."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition

from shared.kafka.consumer import BatchConsumer, Message
from shared.settings import Settings

FIRST, SECOND = TopicPartition("volunteering.badges.v1", 0), TopicPartition("volunteering.badges.v1", 1)
Reads = list[dict[TopicPartition, list[int]]]


class Client:
    """A client to which two partitions are assigned."""

    def assignment(self) -> set[TopicPartition]:
        return {FIRST, SECOND}


class Reader:
    """Answers one read after the other, and keeps what it was asked."""

    def __init__(self, reads: Reads) -> None:
        self.reads = iter(reads)
        self.asked: list[tuple[dict[TopicPartition, int], int | None]] = []

    async def read(
        self,
        _: object,
        partitions: Sequence[TopicPartition],
        done: Mapping[TopicPartition, int],
        *,
        wait_ms: int,
        by_hand: bool = False,
        at_most: int | None = None,
    ) -> dict[TopicPartition, list[Message]]:
        assert set(partitions) == {FIRST, SECOND}
        self.asked.append((dict(done), at_most))
        return {where: [message(where, offset) for offset in offsets] for where, offsets in next(self.reads).items()}


def message(where: TopicPartition, offset: int) -> Message:
    return Message(where.topic, "badges", where.partition, offset, b"k", b"v", [], 0)


async def fetched(reads: Reads, *, idle: float, broker: str = "kafka", most: int = 10) -> tuple[list[Any], Reader]:
    """The partition and offset of each record of the next batch."""

    async def nothing(*_: object) -> None: ...

    settings = Settings.model_validate({"environment": "embedded", "broker": broker})
    consumer = BatchConsumer(
        settings, topics=["badges"], group="test", handle=nothing, dead_letter=nothing, max_records=most
    )
    reader = Reader(reads)
    consumer._reader = reader  # type: ignore[assignment]
    consumer._applied_at = time.monotonic() - idle
    batch = await consumer._fetch(Client(), 0)
    return [(one.partition, one.offset) for one in batch], reader


async def test_what_came_in_meanwhile_joins_the_batch_in_order() -> None:
    batch, reader = await fetched([{FIRST: [4, 5]}, {SECOND: [7], FIRST: [6]}], idle=-60)
    assert [place for place in batch if place[0] == 0] == [(0, 4), (0, 5), (0, 6)]
    assert (1, 7) in batch
    assert reader.asked == [({}, None), ({FIRST: 6}, 8)]


@pytest.mark.parametrize(
    ("first", "idle", "broker"),
    [([4], 60, "kafka"), ([4], -60, "embedded"), (list(range(10)), -60, "kafka"), ([], -60, "kafka")],
    ids=["after a pause", "where a fetch is dear", "when the batch is full", "when nothing waits"],
)
async def test_it_is_not_waited_for(first: list[int], idle: float, broker: str) -> None:
    batch, reader = await fetched([{FIRST: first}] if first else [{}], idle=idle, broker=broker)
    assert batch == [(0, offset) for offset in first]
    assert len(reader.asked) == 1
