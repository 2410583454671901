"""The report of a process of a consumer group: positions, ends, samples of the lag, and the last progress."""

import time

import orjson

from shared.ids import new_id
from shared.kafka.switch import ConsumerReport
from shared.operators.drain import LagHistory, PartitionPlace, packed
from shared.postgres import Tx, load_queries

__all__ = ["MemberReports"]

_SQL = load_queries(__file__)


class MemberReports:
    """Writes the reports of one process, with the lag of its partitions over the last minutes."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._member = new_id()
        self._history = LagHistory()

    async def begin(self, tx: Tx) -> None:
        """Delete the reports of processes of the group that ended long ago."""
        await tx.execute(_SQL["forget_members"], self._group, self._member)

    async def write(self, tx: Tx, report: ConsumerReport) -> None:
        """Store a report in place of the one before."""
        lags = {PartitionPlace(one.topic, one.partition): one.end - one.position for one in report.partitions}
        self._history.note(time.monotonic(), lags)
        partitions = [
            [one.topic, one.partition, one.position, one.end, packed(self._history.of(place))]
            for one, place in zip(report.partitions, lags, strict=True)
        ]
        await tx.execute(
            _SQL["report"],
            self._group,
            self._member,
            report.last_progress,
            report.paused,
            orjson.dumps(partitions).decode(),
        )
