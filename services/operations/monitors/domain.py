"""When a monitor trips and when it clears, and what its readings are made of. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, get_args
from uuid import UUID

__all__ = [
    "CORRECTION_WINDOW",
    "CRASH_WINDOW",
    "DEAD_LETTER_WINDOW",
    "DEVICE_DAYS",
    "DEVICE_WINDOW",
    "LIVE",
    "MONITORS",
    "SILENT_SERVICE",
    "UNITS",
    "GroupReport",
    "MonitorName",
    "MonitorReading",
    "MonitorState",
    "MonitorThreshold",
    "MonitorUnit",
    "Observation",
    "ProcessReport",
    "Ruling",
    "ServiceReport",
    "TopicProgress",
    "advanced",
    "judge",
    "lag_reading",
    "progress_of",
    "readings_of",
    "stillness",
    "watched",
]

MonitorName = Literal[
    "silence", "device-silence", "dead-letters", "corrections", "lag", "standstill", "outbox-age", "restarts"
]
MONITORS: tuple[MonitorName, ...] = get_args(MonitorName)
MonitorUnit = Literal["minutes", "records", "seconds", "crashes"]
UNITS: Mapping[MonitorName, MonitorUnit] = {
    "silence": "minutes",
    "device-silence": "minutes",
    "dead-letters": "records",
    "corrections": "records",
    "lag": "records",
    "standstill": "seconds",
    "outbox-age": "seconds",
    "restarts": "crashes",
}
COUNTED: frozenset[MonitorName] = frozenset({"silence", "device-silence", "dead-letters", "corrections", "restarts"})
"""Monitors whose readings are counted: a known subject that has none reads 0. Of the others it is unknown."""
GROWTH = timedelta(seconds=60)
"""A lag counts as growing when it is not smaller than it was so long ago."""
LIVE = timedelta(seconds=30)
"""A process that was not seen for so long has ended."""
SILENT_SERVICE = timedelta(seconds=30)
"""A service that sends no beat for so long is not judged by its last one, and its outbox counts as not sent."""
DEAD_LETTER_WINDOW = timedelta(minutes=5)
CORRECTION_WINDOW = timedelta(hours=1)
CRASH_WINDOW = timedelta(minutes=15)
DEVICE_WINDOW = timedelta(days=14)
DEVICE_DAYS = 3
"""A device is due at a shift of its site if it sent records on so many days of the window."""

AlertChange = Literal["raised", "cleared"]


@dataclass(frozen=True, slots=True)
class MonitorThreshold:
    """A version of a threshold: it trips at ``trip`` or more for ``hold_seconds``, and clears below ``clear``."""

    version: int
    trip: int
    clear: int
    hold_seconds: int
    calm_seconds: int


@dataclass(frozen=True, slots=True)
class MonitorState:
    """The state of one subject of a monitor; ``alert_id`` while its alert is open, ``version`` counts its changes."""

    over_since: datetime | None = None
    under_since: datetime | None = None
    alert_id: UUID | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class MonitorReading:
    """One figure: of a site, a device, a consumer group, a service or a process, named by ``subject``."""

    monitor: MonitorName
    subject: str
    value: int
    site_id: UUID | None = None
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Ruling:
    """The next state, and whether the alert is raised or cleared by it; the caller names a raised one."""

    state: MonitorState
    change: AlertChange | None = None


@dataclass(frozen=True, slots=True)
class TopicProgress:
    """How far a group has come in one topic; ``lag_before`` is of a minute or more ago."""

    position: int
    lag: int
    moved_at: datetime
    lag_before: int
    before_at: datetime


@dataclass(frozen=True, slots=True)
class ProcessReport:
    """One start of a process."""

    role: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class GroupReport:
    """A consumer group; ``topics`` is topic → first offset that is not applied and end, summed over partitions."""

    group: str
    paused: bool
    running: bool
    topics: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceReport:
    """The last beat of a service."""

    service: str
    at: datetime
    outbox_age_seconds: float
    processes: Sequence[ProcessReport] = ()
    groups: Sequence[GroupReport] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """All that the monitors read: beats, ends by topic as indexed, and counts within their windows."""

    reports: Sequence[ServiceReport] = ()
    ends: Mapping[str, int] = field(default_factory=dict)
    dead_letters: Mapping[str, int] = field(default_factory=dict)
    corrections: Mapping[UUID, int] = field(default_factory=dict)
    silent_minutes: Mapping[UUID, int] = field(default_factory=dict)
    silent_devices: Mapping[UUID, tuple[UUID, int]] = field(default_factory=dict)
    """Device → its site, and minutes since a shift began there from which it sent nothing."""


Progress = Mapping[tuple[str, str], TopicProgress]
"""By group and topic."""


def watched(monitor: str, subject: str) -> str:
    """The name of what at most one alert is open of."""
    return f"{monitor}:{subject}"


def judge(state: MonitorState, value: int, threshold: MonitorThreshold, now: datetime) -> Ruling:
    """Judge a reading: a value between ``clear`` and ``trip`` changes nothing that is open, and raises nothing."""
    if state.alert_id is None:
        if value < threshold.trip:
            return Ruling(MonitorState(version=state.version))
        since = min(state.over_since or now, now)
        if now - since >= timedelta(seconds=threshold.hold_seconds):
            return Ruling(MonitorState(over_since=since, version=state.version + 1), "raised")
        return Ruling(MonitorState(over_since=since, version=state.version))
    if value >= threshold.clear:
        return Ruling(replace(state, under_since=None))
    since = min(state.under_since or now, now)
    if now - since >= timedelta(seconds=threshold.calm_seconds):
        return Ruling(MonitorState(version=state.version + 1), "cleared")
    return Ruling(replace(state, under_since=since))


def advanced(
    known: TopicProgress | None, position: int, lag: int, now: datetime, *, paused: bool = False, running: bool = True
) -> TopicProgress:
    """The progress after another report: having no lag is progress, and so is a reset, which goes backwards.

    While a group is paused, time passes without counting as standstill.
    """
    if known is None:
        return TopicProgress(position, lag, now, lag, now)
    moved = now if paused or (running and lag == 0) or position != known.position else known.moved_at
    if now - known.before_at < GROWTH:
        return TopicProgress(position, lag, moved, known.lag_before, known.before_at)
    return TopicProgress(position, lag, moved, known.lag, now)


def lag_reading(topics: Sequence[TopicProgress]) -> int:
    """The lag of a group over its topics if it is not shrinking, else 0: what drains needs no one."""
    lag, before = sum(one.lag for one in topics), sum(one.lag_before for one in topics)
    return lag if lag >= before else 0


def stillness(topics: Iterable[TopicProgress], now: datetime, *, running: bool = True) -> int:
    """Seconds for which the stillest topic with lag has not moved; without a running member, any topic."""
    return max(
        (int((now - one.moved_at).total_seconds()) for one in topics if one.lag > 0 or not running),
        default=0,
    )


def progress_of(seen: Observation, known: Progress, now: datetime) -> dict[tuple[str, str], TopicProgress]:
    """The progress of each group after these reports; a silent service's groups are left out.

    The end of a topic is the later one of the group's own and the index's: a group that died reports no new end.
    """
    return {
        (group.group, topic): advanced(
            known.get((group.group, topic)),
            position,
            max(0, max(end, seen.ends.get(topic, 0)) - position),
            now,
            paused=group.paused,
            running=group.running,
        )
        for report in seen.reports
        if not _silent(report, now)
        for group in report.groups
        for topic, (position, end) in group.topics.items()
    }


def readings_of(
    seen: Observation,
    progress: Progress,
    known: Mapping[tuple[MonitorName, str], UUID | None],
    now: datetime,
) -> list[MonitorReading]:
    """The readings of all monitors; ``known`` subjects (and their sites) of counted monitors read 0 without a count."""
    found = [
        *(MonitorReading("silence", str(site), value, site) for site, value in seen.silent_minutes.items()),
        *(
            MonitorReading("device-silence", str(device), value, site)
            for device, (site, value) in seen.silent_devices.items()
        ),
        *(MonitorReading("corrections", str(site), value, site) for site, value in seen.corrections.items()),
        *(MonitorReading("dead-letters", group, value) for group, value in seen.dead_letters.items()),
        *(reading for report in seen.reports for reading in _service(report, progress, now)),
    ]
    given = {(one.monitor, one.subject) for one in found}
    missing = [
        MonitorReading(monitor, subject, 0, site)
        for (monitor, subject), site in known.items()
        if monitor in COUNTED and (monitor, subject) not in given
    ]
    return [*found, *missing]


def _silent(report: ServiceReport, now: datetime) -> bool:
    return now - report.at > SILENT_SERVICE


def _service(report: ServiceReport, progress: Progress, now: datetime) -> Iterable[MonitorReading]:
    silent = _silent(report, now)
    unsent = max(report.outbox_age_seconds, (now - report.at).total_seconds() if silent else 0.0)
    yield MonitorReading("outbox-age", report.service, int(unsent))
    if silent:
        return
    crashes: dict[str, int] = {}
    for process in report.processes:
        ago = report.at - process.seen_at
        crashes[process.role] = crashes.get(process.role, 0) + int(LIVE < ago <= CRASH_WINDOW)
    for role, count in crashes.items():
        yield MonitorReading("restarts", f"{report.service}-{role}", count)
    for group in report.groups:
        topics = [progress[group.group, topic] for topic in group.topics if (group.group, topic) in progress]
        yield MonitorReading("lag", group.group, lag_reading(topics), paused=group.paused)
        still = 0 if group.paused else stillness(topics, now, running=group.running)
        yield MonitorReading("standstill", group.group, still, paused=group.paused)
