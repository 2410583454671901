"""Judging all monitors, and changing a threshold: one transaction each, alerts and their events together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.operations.monitors import store
from services.operations.monitors.domain import (
    CORRECTION_WINDOW,
    DEAD_LETTER_WINDOW,
    DEVICE_DAYS,
    DEVICE_WINDOW,
    MonitorName,
    MonitorReading,
    MonitorState,
    MonitorThreshold,
    Ruling,
    judge,
    progress_of,
    readings_of,
    watched,
)
from services.operations.monitors.store import StoredThreshold
from shared import outbox
from shared.contracts import AlertCleared, AlertRaised, Contract, ServiceBeat
from shared.errors import Conflict, Invalid
from shared.ids import derived_id
from shared.postgres import Database, Tx

__all__ = ["AlertNews", "Verdict", "change_threshold", "judge_all", "note_beat"]

SOURCE = "weiguang/operations"


@dataclass(frozen=True, slots=True)
class AlertNews:
    """An alert that was raised or cleared."""

    raised: bool
    monitor: MonitorName
    subject: str
    reading: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of judging: what changed, and the open alerts of each monitor."""

    news: Sequence[AlertNews]
    open_alerts: dict[str, int]


async def note_beat(db: Database, beat: ServiceBeat) -> None:
    """Keep the last beat of a service."""
    async with db.transaction() as tx:
        await store.put_beat(tx, beat)


async def judge_all(db: Database, now: datetime, incarnation: str) -> Verdict:
    """Read all monitors, judge them, and publish what they raise and clear.

    Args:
        now: real time; shifts are judged in business time.
        incarnation: the present life of the broker's log.
    """
    async with db.transaction() as tx:
        await store.lock(tx)
        thresholds = await store.thresholds_in_force(tx)
        states = {(one.monitor, one.subject): one for one in await store.states(tx)}
        observed = await store.observe_reports(tx, incarnation)
        letters, corrections = await store.observe_counts(tx, now - DEAD_LETTER_WINDOW, now - CORRECTION_WINDOW)
        silent = await store.silent_minutes(tx, await tx.now())
        devices = await store.silent_devices(tx, await tx.now(), DEVICE_WINDOW, DEVICE_DAYS)
        observed = replace(
            observed, dead_letters=letters, corrections=corrections, silent_minutes=silent, silent_devices=devices
        )
        progress = progress_of(observed, await store.progress(tx), now)
        await store.put_progress(tx, progress)
        readings = readings_of(observed, progress, {key: one.site_id for key, one in states.items()}, now)
        judged: list[tuple[MonitorReading, MonitorState]] = []
        news: list[AlertNews] = []
        for reading in readings:
            known = states.get((reading.monitor, reading.subject))
            threshold = thresholds[reading.monitor]
            before = known.state if known is not None else MonitorState()
            verdict = judge(before, reading.value, threshold, now)
            state = await _change(tx, reading, before, verdict, threshold, now)
            judged.append((reading, state))
            if verdict.change is not None:
                news.append(AlertNews(verdict.change == "raised", reading.monitor, reading.subject, reading.value))
        await store.worsen_alerts(
            tx, [(state.alert_id, reading.value) for reading, state in judged if state.alert_id is not None]
        )
        await store.put_states(tx, judged, now)
        return Verdict(news, await store.open_counts(tx))


async def _change(
    tx: Tx,
    reading: MonitorReading,
    before: MonitorState,
    verdict: Ruling,
    threshold: MonitorThreshold,
    now: datetime,
) -> MonitorState:
    """Store and publish what a judgement changed; returns the state with the id of its alert."""
    name, version = watched(reading.monitor, reading.subject), verdict.state.version
    if verdict.change == "raised":
        alert_id = derived_id("alert", name, version)
        await store.raise_alert(tx, alert_id, reading, threshold, now)
        raised = AlertRaised(
            watched=name,
            alert_id=alert_id,
            monitor=reading.monitor,
            subject=reading.subject,
            site_id=reading.site_id,
            reading=reading.value,
            threshold=threshold.trip,
            threshold_version=threshold.version,
            raised_at=now,
        )
        await _publish(tx, raised, alert_id, version)
        return replace(verdict.state, alert_id=alert_id)
    if verdict.change == "cleared" and before.alert_id is not None:
        raised_at = await store.clear_alert(tx, before.alert_id, reading.value, now)
        cleared = AlertCleared(
            watched=name,
            alert_id=before.alert_id,
            monitor=reading.monitor,
            subject=reading.subject,
            site_id=reading.site_id,
            reading=reading.value,
            raised_at=raised_at or now,
            cleared_at=now,
        )
        await _publish(tx, cleared, before.alert_id, version)
    return verdict.state


async def _publish(tx: Tx, data: Contract, alert_id: UUID, version: int) -> None:
    event = outbox.event(
        data,
        source=SOURCE,
        aggregate_version=version,
        id=derived_id("alert-event", alert_id, version),
        correlation_id=str(alert_id),
    )
    await outbox.append(tx, event)


async def change_threshold(
    tx: Tx,
    monitor: MonitorName,
    threshold: MonitorThreshold,
    *,
    replaces: int,
    made_by: UUID,
    made_by_name: str,
    reason: str,
) -> StoredThreshold:
    """Put a new version of a threshold into force; its number is given here.

    Args:
        replaces: the version that the change was made from.

    Raises:
        Invalid: the monitor would clear above the figure at which it trips.
        Conflict: another version is in force by now.
    """
    if threshold.clear > threshold.trip:
        raise Invalid(
            "threshold-contradictory",
            "The monitor would clear above the figure at which it trips; give a clear figure of at most trip.",
        )
    await store.lock(tx)
    present = (await store.thresholds_in_force(tx))[monitor].version
    if present != replaces:
        raise Conflict(
            "threshold-changed", f"Version {present} of this threshold is in force by now; start from that one."
        )
    return await store.add_threshold(
        tx, monitor, replace(threshold, version=present + 1), made_by, made_by_name, reason
    )
