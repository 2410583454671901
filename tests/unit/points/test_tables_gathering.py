"""The agents' reads: few records are left to gather, many are fetched at once."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from faust.transport.drivers.aiokafka import Consumer

from services.points import tables
from shared.kafka.fetching import Gaps


class Reads:
    """A consumer of the agents whose broker answers with so many records, and whose pauses are written down."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, sizes: list[int]) -> None:
        answers: Iterator[int] = iter(sizes)
        self.pauses: list[float] = []
        self.now = 100.0

        async def answer(_: Any, __: Any, ___: float) -> dict[str, list[int]]:
            return {"partition": [0] * next(answers)}

        async def pause(_: Any, seconds: float) -> None:
            self.pauses.append(round(seconds, 3))
            self.now += seconds

        monkeypatch.setattr(Consumer, "_getmany", answer)
        monkeypatch.setattr(tables._DurableConsumer, "sleep", pause)
        monkeypatch.setattr(tables, "time", SimpleNamespace(monotonic=lambda: self.now))
        self.consumer = tables._DurableConsumer.__new__(tables._DurableConsumer)
        self.consumer.app = SimpleNamespace(rebalancing=False, gaps=Gaps())

    async def read(self) -> int:
        found = await self.consumer._getmany({"partition"}, 1.0)
        return sum(map(len, found.values()))


async def test_after_few_records_the_next_read_waits_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Reads(monkeypatch, [3, 2, tables.FEW, 1])
    assert await reads.read() == 3
    assert reads.pauses == [], "the first read waits for nobody"
    reads.now += 0.05
    assert await reads.read() == 2
    assert reads.pauses == [pytest.approx(tables.GATHER_SECONDS - 0.05)], "only what is left of the time"
    await reads.read()
    assert len(reads.pauses) == 2
    await reads.read()
    assert len(reads.pauses) == 2, "behind many records there are more"


async def test_tables_are_restored_without_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Reads(monkeypatch, [1, 1])
    monkeypatch.setattr(tables._DurableConsumer, "_is_changelog_tp", lambda *_: True)
    reads.consumer.app.rebalancing = True
    await reads.read()
    await reads.read()
    assert reads.pauses == []
