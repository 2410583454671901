"""The progress of the agents in their topics, reported like that of every consumer: their lag is judged and shown."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from shared.kafka.switch import ConsumerReport, PartitionReport
from shared.operators.members import MemberReports
from shared.postgres import Database

__all__ = ["REPORT_SECONDS", "AgentProgress"]

log = structlog.get_logger(__name__)
REPORT_SECONDS = 5.0
POSITION_SECONDS = 5.0


class AgentProgress:
    """The records that the agents have handled, by partition; what faust has fetched and not handed over still waits.

    Args:
        group: the group as operators name it.
        entities: names of topics on the broker → their logical names; other topics of the app are its own.
    """

    def __init__(self, group: str, entities: Mapping[str, str]) -> None:
        self._reports = MemberReports(group)
        self._entities = entities
        self._handled: dict[tuple[str, int], int] = {}
        self._last: float | None = None
        self._begun = False

    def note(self, record: Any) -> None:
        """Count a record that an agent handles now."""
        self._handled[record.topic, record.partition] = record.offset + 1
        self._last = time.time()

    async def report(self, consumer: Any) -> ConsumerReport:
        """Report the partitions that are assigned to faust's consumer.

        A partition of which no record has come begins where the consumer stands.

        Raises:
            TimeoutError: the consumer does not know yet where it stands.
        """
        places = []
        for assigned in sorted(consumer.assignment()):
            if assigned.topic not in self._entities:
                continue
            place = (assigned.topic, assigned.partition)
            if place not in self._handled:
                async with asyncio.timeout(POSITION_SECONDS):
                    self._handled[place] = await consumer.position(assigned) or 0
            position = self._handled[place]
            end = max(position, consumer.highwater(assigned) or 0)
            places.append(PartitionReport(self._entities[assigned.topic], assigned.partition, position, end))
        return ConsumerReport(False, self._last, places)

    def start(self, app: Any, connected: Callable[[], Database]) -> None:
        """Add the timer that stores the reports to a faust app."""

        async def store() -> None:
            try:
                report = await self.report(app.consumer)
                if not report.partitions:  # no partition is assigned yet
                    return
                async with connected().transaction() as tx:
                    if not self._begun:
                        await self._reports.begin(tx)
                        self._begun = True
                    await self._reports.write(tx, report)
            except Exception as error:  # noqa: BLE001 - the next report says the same and more
                log.warning("progress.not_reported", error=repr(error))

        app.timer(REPORT_SECONDS)(store)
