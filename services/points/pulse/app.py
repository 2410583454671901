"""The agents' process: a faust app that keeps the last minute in a windowed table and publishes it each second.

Beside it runs the counting of the teams' services, which may follow the ledger within seconds too and shares nothing
with it.

Everything here may be lost and is rebuilt from the topics; that is why faust may run it. A record may count twice when
the process dies between a table's change and the commit of its offset: the pulse is a picture, not a balance.

One process runs it and owns all partitions.
"""

import time
from datetime import UTC, datetime

import structlog

from services.points.agents import Agents, run
from services.points.pulse.domain import KEEP_SECONDS, SLICE_SECONDS, WINDOW_SECONDS, Cell, Minute, cells, last_minute
from services.points.pulse.stream import GROUP, TOPICS, beat_of
from services.points.settings import PointsSettings
from services.points.teams.hosting import counting_teams
from shared.cloudevents import encode
from shared.contracts import DrivePulse, PulseTick, SitePulse
from shared.kafka.consumer import Message
from shared.outbox import event as envelope
from shared.postgres import Database

__all__ = ["Pulse", "main"]

log = structlog.get_logger(__name__)

SOURCE = "weiguang/points"


class Pulse(Agents):
    """The faust app with its table, agents and timer."""

    def __init__(self, settings: PointsSettings) -> None:
        super().__init__(settings, group=GROUP, topics=TOPICS)
        self.ticks = 0
        # faust creates the changelog topic; its partitions must be as many as those of the topics that write it.
        table = self.app.Table("slices", default=int, partitions=settings.topic_partitions)
        self.slices = table.tumbling(SLICE_SECONDS, expires=KEEP_SECONDS).relative_to_stream()
        self.pulses = self.topic("pulse", partitions=1)
        for entity in TOPICS:
            self.listen(entity, self._beat)
        self.app.timer(1.0)(self._tick)

    async def connect(self) -> Database:
        return await Database.connect(self.settings)

    async def open(self) -> None:
        await super().open()
        counting = await counting_teams(self.settings, self.connected())
        self.host("points-teams", counting)

    async def _beat(self, message: Message) -> None:
        beat = beat_of(message)
        # What a relay sends again keeps its old time: nothing of it belongs to this minute. A time far ahead would
        # expire the slices of the present, and faust counts its way there slice by slice.
        age = time.time() - message.timestamp_ms / 1000
        if beat is None or not WINDOW_SECONDS - KEEP_SECONDS <= age <= WINDOW_SECONDS:
            return
        for key, amount in cells(beat, message.partition):
            self.slices[key] += amount

    def minute(self) -> Minute:
        """The last minute of the district."""
        stored = self.slices.table.items()
        return last_minute((Cell(key, window[0], value) for (key, window), value in stored), time.time())

    async def _tick(self) -> None:
        minute = self.minute()
        data = PulseTick(
            at=datetime.now(UTC),
            window_seconds=WINDOW_SECONDS,
            records_per_minute=minute.records,
            points_per_minute=minute.points,
            by_site=tuple(SitePulse(site_id=s, records=r, points=p) for s, (r, p) in minute.by_site.items()),
            by_drive=tuple(DrivePulse(drive_id=d, records=r, points=p) for d, (r, p) in minute.by_drive.items()),
        )
        self.ticks += 1
        headers, value = encode(envelope(data, source=SOURCE, aggregate_version=int(time.time())))
        try:
            await self.pulses.send(key=data.district.encode(), value=value, headers=dict(headers))
        except Exception as error:  # noqa: BLE001 - the next second brings the next picture
            log.warning("pulse.not_told", error=type(error).__name__)


def main(settings: PointsSettings) -> None:
    """Run the agents until SIGTERM or SIGINT; exits the process, with an error when a guard stopped it."""
    run(settings, Pulse)
