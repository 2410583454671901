"""Integrity's process: windowed faust tables over attendance, and a case for what they flag.

Attendance is keyed by volunteer, so a person's days are worked out where it arrives. What recorders and devices do is
republished, keyed by them, on a topic of points' own, so that each of them lies in one partition, in order.

Everything in the tables may be lost and is rebuilt by reading attendance again: a case's id follows from what it is
about, so it is opened once. The order within one record: first the case is in the database, then the tables change;
then tables and acts are on the broker, then the record is acknowledged. What dies in between is done again and finds
the same. Windows are those of the records' own times; faust is never asked what time it is. What is old is forgotten
by the time in the records, so that a replay forgets no more than the first time; a record of a time ahead
counts as sent now, by this machine's clock, which no record can set, unlike the broker's timestamp.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Sequence

import structlog

from services.points.agents import Agents, run
from services.points.integrity import handlers
from services.points.integrity.bursts.domain import BURST_SECONDS
from services.points.integrity.domain import (
    Act,
    Flag,
    SeenRevision,
    ThresholdsInForce,
    TimeWindow,
    acts_of,
    enter,
    judge,
    step,
    window_of,
)
from services.points.integrity.packing import (
    pack_cell,
    pack_day,
    pack_standing,
    pack_window,
    unpack_cell,
    unpack_day,
    unpack_standing,
    unpack_window,
)
from services.points.integrity.stream import ACTS, ATTENDANCE, GROUP, act_of, emitted_at, encode_act, seen_of
from services.points.integrity.terms.domain import DAY_SECONDS, seconds
from services.points.policy import policy_of
from services.points.settings import PointsSettings
from shared.errors import TransientError
from shared.kafka.consumer import Message
from shared.postgres import Database
from shared.telemetry import trace

__all__ = ["Integrity", "main"]

log = structlog.get_logger(__name__)

SWEEP_EVERY = 1000
"""After so many records of a partition its old windows are looked for."""


class Integrity(Agents):
    """The faust app with its tables and agents."""

    def __init__(self, settings: PointsSettings) -> None:
        generation = settings.integrity_generation
        super().__init__(settings, group=GROUP, topics=(ATTENDANCE, ACTS), generation=generation)
        self.thresholds: ThresholdsInForce | None = None
        partitions = settings.topic_partitions
        # Keys begin with the partition: each is restored from its own part of the changelog. What stands is written
        # after the days: a record's days are cleared by where it stood, so that must never be the newer one.
        tables = {
            name: self.app.Table(name, partitions=partitions, pack=pack, unpack=unpack)
            for name, pack, unpack in (
                ("days", pack_day, unpack_day),
                ("standing", pack_standing, unpack_standing),
                ("acts", pack_window, unpack_window),
                ("bursts", pack_cell, unpack_cell),
            )
        }
        self.days = tables["days"].tumbling(DAY_SECONDS)
        self.standing = tables["standing"]
        self.acts = tables["acts"].tumbling(DAY_SECONDS)
        self.bursts = tables["bursts"].tumbling(BURST_SECONDS)
        self.listen(ATTENDANCE, self._attended)
        self.listen(ACTS, self._acted)
        self._latest: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._since: Counter[tuple[str, int]] = Counter()

    async def connect(self) -> Database:
        return await Database.connect(self.settings)

    async def open(self) -> None:
        await super().open()
        await policy_of(self.connected())  # a case is judged under rules that may not be in the table yet
        self.thresholds = await handlers.install(self.connected())

    def _thresholds(self) -> ThresholdsInForce:
        if self.thresholds is None:
            raise TransientError("the thresholds are not read yet")
        return self.thresholds

    async def _attended(self, message: Message) -> None:
        seen, cause = seen_of(message)
        with trace.bind(cause.traceparent, cause.correlation_id):
            await self._revision(self._thresholds(), seen, message.partition)
        self._forget(message)

    async def _revision(self, thresholds: ThresholdsInForce, seen: SeenRevision, partition: int) -> None:
        """Published and reported before it is stored: once that is on the broker, the other two have been done."""
        place, record = f"{partition}|{seen.volunteer_id}", f"{partition}|{seen.record_id}"
        done = step(thresholds, seen, self.standing.get(record), lambda span: self.days.table.get((place, span)) or {})
        if done is None:
            return
        for act in acts_of(thresholds, seen):
            await self.send(ACTS, *encode_act(act, seen))
        await self._report(done.flags)
        for span, day in done.days.items():
            self.days.table[place, span] = day
        self.standing[record] = done.standing

    async def _acted(self, message: Message) -> None:
        act, cause = act_of(message)
        act_on = self._entered if act.kind == "burst" else self._used
        with trace.bind(cause.traceparent, cause.correlation_id):
            await act_on(self._thresholds(), act, f"{message.partition}|{act.place}")
        self._forget(message)

    async def _entered(self, thresholds: ThresholdsInForce, act: Act, place: str) -> None:
        done = enter(thresholds, act, lambda span: self.bursts.table.get((place, span)) or frozenset())
        await self._report(done.flags)
        if done.cell is not None:
            self.bursts.table[place, done.span] = done.cell

    async def _used(self, thresholds: ThresholdsInForce, act: Act, place: str) -> None:
        span = window_of(act)
        window, flag = judge(thresholds, span, self.acts.table.get((place, span)) or {}, act)
        await self._report([] if flag is None else [flag])
        if window is not None:
            self.acts.table[place, span] = window

    async def _report(self, flags: Sequence[Flag]) -> None:
        if not flags:
            return
        async with self.connected().transaction() as tx:
            opened = await handlers.report(tx, flags)
        if opened:
            log.info("integrity.opened", cases=opened, kinds=sorted({flag.kind for flag in flags}))

    def _forget(self, message: Message) -> None:
        """Drop windows that lie far behind what this partition has published."""
        source = (message.entity, message.partition)
        self._latest[source] = max(self._latest[source], min(seconds(emitted_at(message)), int(time.time())))
        self._since[source] += 1
        if self._since[source] < SWEEP_EVERY:
            return
        self._since[source] = 0
        horizon, prefix = self._latest[source] - self._thresholds().keep_seconds, f"{message.partition}|"
        for windows in (self.acts, self.bursts) if message.entity == ACTS else (self.days,):
            table = windows.table
            for key in [key for key in table if key[0].startswith(prefix) and key[1][1] < horizon]:
                del table[key]
        if message.entity == ATTENDANCE:
            past = [key for key, standing in self.standing.items() if _over(standing.spans, horizon)]
            for key in past:
                if key.startswith(prefix):
                    del self.standing[key]


def _over(spans: Sequence[TimeWindow], horizon: int) -> bool:
    """Whether all days of a record are forgotten."""
    return bool(spans) and max(span.end for span in spans) < horizon


def main(settings: PointsSettings) -> None:
    """Run the agents until SIGTERM or SIGINT; exits the process, with an error when a guard stopped it."""
    run(settings, Integrity)
