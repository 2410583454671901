"""Thresholds, states, beats and alerts to rows and back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from services.operations.monitors.domain import (
    GroupReport,
    MonitorName,
    MonitorReading,
    MonitorState,
    MonitorThreshold,
    Observation,
    ProcessReport,
    ServiceReport,
    TopicProgress,
)
from shared.contracts import ServiceBeat
from shared.postgres import Tx, load_queries

__all__ = [
    "Alert",
    "KnownState",
    "StoredThreshold",
    "add_threshold",
    "clear_alert",
    "list_alerts",
    "lock",
    "observe_counts",
    "observe_reports",
    "open_counts",
    "progress",
    "put_beat",
    "put_progress",
    "put_states",
    "raise_alert",
    "silent_devices",
    "silent_minutes",
    "states",
    "thresholds",
    "thresholds_in_force",
    "worsen_alerts",
]

_SQL = load_queries(__file__)
MOST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class KnownState:
    """A subject's state with what was last read of it."""

    monitor: MonitorName
    subject: str
    site_id: UUID | None
    reading: int
    paused: bool
    state: MonitorState
    judged_at: datetime


@dataclass(frozen=True, slots=True)
class StoredThreshold:
    """A version of a threshold with its maker; the first ones come with the software."""

    monitor: MonitorName
    threshold: MonitorThreshold
    made_by: UUID | None
    made_by_name: str | None
    reason: str | None
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert; ``worst`` is the largest reading while it was open."""

    alert_id: UUID
    monitor: MonitorName
    subject: str
    site_id: UUID | None
    reading: int
    worst: int
    threshold: int
    threshold_version: int
    raised_at: datetime
    cleared_at: datetime | None
    cleared_reading: int | None


async def lock(tx: Tx) -> None:
    """Wait until no other transaction judges or changes thresholds."""
    await tx.execute(_SQL["lock"])


async def put_beat(tx: Tx, beat: ServiceBeat) -> None:
    """Store the beat of a service, unless a newer one is stored."""
    await tx.execute(_SQL["put_beat"], beat.service, beat.at, beat.model_dump_json())


async def observe_reports(tx: Tx, incarnation: str) -> Observation:
    """The last beats, and the ends of the topics as far as they are indexed."""
    beats = [ServiceBeat.model_validate_json(row["beat"]) for row in await tx.fetch(_SQL["beats"])]
    ends = {row["topic"]: row["end_"] for row in await tx.fetch(_SQL["ends"], incarnation)}
    return Observation(reports=[_report(beat) for beat in beats], ends=ends)


async def observe_counts(
    tx: Tx, dead_letters_since: datetime, corrections_since: datetime
) -> tuple[dict[str, int], dict[UUID, int]]:
    """Dead letters by consumer group and corrections by site, each since a time."""
    letters = await tx.fetch(_SQL["dead_letters"], dead_letters_since)
    corrections = await tx.fetch(_SQL["corrections"], corrections_since)
    return (
        {row["consumer_group"]: row["records"] for row in letters},
        {row["site_id"]: row["records"] for row in corrections},
    )


async def silent_minutes(tx: Tx, now: datetime) -> dict[UUID, int]:
    """Minutes without a check-in of each site at which a shift runs; ``now`` in business time."""
    await tx.execute(_SQL["follow_signups"])
    await tx.execute(_SQL["forget_shifts"], now)
    return {row["site_id"]: row["minutes"] for row in await tx.fetch(_SQL["silent_sites"], now)}


async def silent_devices(tx: Tx, now: datetime, window: timedelta, days: int) -> dict[UUID, tuple[UUID, int]]:
    """The devices that are due at a running shift: site, and minutes without a record; ``now`` in business time.

    Args:
        window: how far back the days with records count.
        days: a device with records on fewer days is not due.
    """
    await tx.execute(_SQL["follow_devices"])
    await tx.execute(_SQL["forget_devices"], (now - window).date())
    rows = await tx.fetch(_SQL["silent_devices"], now, days)
    return {row["device_id"]: (row["site_id"], row["minutes"]) for row in rows}


def _report(beat: ServiceBeat) -> ServiceReport:
    return ServiceReport(
        beat.service,
        beat.at,
        beat.outbox_age_seconds,
        [ProcessReport(one.role, one.seen_at) for one in beat.processes],
        [
            GroupReport(
                one.group, one.paused, one.running, {topic.topic: (topic.position, topic.end) for topic in one.topics}
            )
            for one in beat.consumers
        ],
    )


async def thresholds_in_force(tx: Tx) -> dict[MonitorName, MonitorThreshold]:
    """The newest version of each monitor."""
    return {row["monitor"]: _threshold(row) for row in await tx.fetch(_SQL["thresholds_in_force"])}


async def thresholds(tx: Tx) -> list[StoredThreshold]:
    """All versions, the newest of each monitor first."""
    return [_stored(row) for row in await tx.fetch(_SQL["thresholds"])]


async def add_threshold(
    tx: Tx, monitor: MonitorName, threshold: MonitorThreshold, made_by: UUID, made_by_name: str, reason: str
) -> StoredThreshold:
    """Store a new version; the monitors are locked."""
    row = await tx.fetchrow(
        _SQL["add_threshold"],
        monitor,
        threshold.version,
        threshold.trip,
        threshold.clear,
        threshold.hold_seconds,
        threshold.calm_seconds,
        made_by,
        made_by_name,
        reason,
    )
    return _stored(row)


def _threshold(row: Any) -> MonitorThreshold:
    return MonitorThreshold(row["version"], row["trip"], row["clear"], row["hold_seconds"], row["calm_seconds"])


def _stored(row: Any) -> StoredThreshold:
    return StoredThreshold(
        row["monitor"], _threshold(row), row["made_by"], row["made_by_name"], row["reason"], row["made_at"]
    )


async def progress(tx: Tx) -> dict[tuple[str, str], TopicProgress]:
    """How far each group had come, by group and topic."""
    return {
        (row["consumer_group"], row["topic"]): TopicProgress(
            row["position"], row["lag"], row["moved_at"], row["lag_before"], row["before_at"]
        )
        for row in await tx.fetch(_SQL["progress"])
    }


async def put_progress(tx: Tx, found: Mapping[tuple[str, str], TopicProgress]) -> None:
    """Store how far groups have come."""
    rows = [
        (group, topic, one.position, one.lag, one.moved_at, one.lag_before, one.before_at)
        for (group, topic), one in sorted(found.items())
    ]
    if rows:
        await tx.execute(_SQL["put_progress"], *map(list, zip(*rows, strict=True)))


async def states(tx: Tx) -> list[KnownState]:
    """The states of all subjects that were ever read."""
    return [
        KnownState(
            row["monitor"],
            row["subject"],
            row["site_id"],
            row["reading"],
            row["paused"],
            MonitorState(row["over_since"], row["under_since"], row["alert_id"], row["version"]),
            row["judged_at"],
        )
        for row in await tx.fetch(_SQL["states"])
    ]


async def put_states(tx: Tx, judged: Iterable[tuple[MonitorReading, MonitorState]], at: datetime) -> None:
    """Store the next states."""
    rows = [
        (
            reading.monitor,
            reading.subject,
            reading.site_id,
            min(reading.value, MOST),
            reading.paused,
            state.over_since,
            state.under_since,
            state.alert_id,
            state.version,
        )
        for reading, state in judged
    ]
    if rows:
        await tx.execute(_SQL["put_states"], *map(list, zip(*rows, strict=True)), at)


async def raise_alert(
    tx: Tx, alert_id: UUID, reading: MonitorReading, threshold: MonitorThreshold, at: datetime
) -> None:
    """Open an alert."""
    await tx.execute(
        _SQL["raise_alert"],
        alert_id,
        reading.monitor,
        reading.subject,
        reading.site_id,
        min(reading.value, MOST),
        threshold.trip,
        threshold.version,
        at,
    )


async def worsen_alerts(tx: Tx, readings: Sequence[tuple[UUID, int]]) -> None:
    """Raise the worst readings of open alerts."""
    if readings:
        await tx.execute(_SQL["worsen_alerts"], [one[0] for one in readings], [min(one[1], MOST) for one in readings])


async def clear_alert(tx: Tx, alert_id: UUID, reading: int, at: datetime) -> datetime | None:
    """Close an alert; returns when it was raised, None if it is not open."""
    return cast("datetime | None", await tx.fetchval(_SQL["clear_alert"], alert_id, at, min(reading, MOST)))


async def list_alerts(
    tx: Tx, *, open_: bool | None, monitor: str | None, after: tuple[bool, datetime, UUID] | None, limit: int
) -> list[Alert]:
    """A page of alerts, open ones first, then the newest."""
    rows = await tx.fetch(_SQL["list_alerts"], open_, monitor, *(after or (None, None, None)), limit)
    return [Alert(**row) for row in rows]


async def open_counts(tx: Tx) -> dict[str, int]:
    """Monitor → open alerts; monitors without any are absent."""
    return {row["monitor"]: row["alerts"] for row in await tx.fetch(_SQL["open_counts"])}
