"""Monitors over HTTP: readings, thresholds with their versions, and alerts."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.operations.monitors import handlers, store
from services.operations.monitors.domain import MONITORS, UNITS, MonitorName, MonitorThreshold, MonitorUnit
from services.operations.monitors.store import Alert, KnownState, StoredThreshold
from shared.http import cursors
from shared.http.app import Db, Input, Limit, Output
from shared.http.idempotency import once
from shared.operators.acts import OperatorAct
from shared.operators.common import ActSourceDep, Engineer, ReasonText, Watcher
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/operations/v1", tags=["monitors"])

DAY_SECONDS = 86_400
Figure = Annotated[int, Field(ge=1, le=1_000_000_000)]
Seconds = Annotated[int, Field(ge=0, le=DAY_SECONDS)]
NOTIFIED = ("engineer",)
"""The roles whose accounts find each alert in their inboxes."""


class ThresholdOut(Output):
    """A version of a threshold: ``trip`` or more for ``hold_seconds`` raises an alert.

    A reading below ``clear`` for ``calm_seconds`` clears it. The first version has no maker.
    """

    version: int
    trip: int
    clear: int
    hold_seconds: int
    calm_seconds: int
    made_by: UUID | None
    made_by_name: str | None
    reason: str | None
    made_at: datetime


class ReadingOut(Output):
    """The last reading of one subject: a site's id, or the name of a consumer group, a service or a process.

    A ``paused`` group is not judged as standing still.
    """

    subject: str
    site_id: UUID | None
    reading: int
    paused: bool
    over_since: datetime | None
    alert_id: UUID | None
    judged_at: datetime


class MonitorOut(Output):
    """A monitor: its unit, its readings, and the versions of its threshold, the one in force first."""

    monitor: MonitorName
    unit: MonitorUnit
    thresholds: list[ThresholdOut]
    readings: list[ReadingOut]


class MonitorsOut(Output):
    """All monitors, and how many alerts are open."""

    items: list[MonitorOut]
    open_alerts: int


class AlertOut(Output):
    """An alert; ``worst`` is the largest reading while it was open, ``notified`` are the roles with a message of it."""

    alert_id: UUID
    monitor: MonitorName
    unit: MonitorUnit
    subject: str
    site_id: UUID | None
    reading: int
    worst: int
    threshold: int
    threshold_version: int
    raised_at: datetime
    cleared_at: datetime | None
    cleared_reading: int | None
    notified: list[str]


class ThresholdIn(Input):
    """A new version of a threshold, made from the version ``replaces``; and why."""

    monitor: MonitorName
    replaces: Annotated[int, Field(ge=1, le=2**31 - 2)]
    trip: Figure
    clear: Figure
    hold_seconds: Seconds
    calm_seconds: Seconds
    reason: ReasonText


class MonitorThresholdOut(ThresholdOut):
    """The version of a monitor's threshold that is in force from now on."""

    monitor: MonitorName


@router.get("/monitors")
async def list_monitors(db: Db, _: Watcher) -> MonitorsOut:
    """All monitors with their readings and thresholds."""
    async with db.snapshot() as tx:
        stored = await store.thresholds(tx)
        states = await store.states(tx)
        counts = await store.open_counts(tx)
    return MonitorsOut(
        items=[
            MonitorOut(
                monitor=monitor,
                unit=UNITS[monitor],
                thresholds=[ThresholdOut(**_fields(one)) for one in stored if one.monitor == monitor],
                readings=[_reading(one) for one in states if one.monitor == monitor],
            )
            for monitor in MONITORS
        ],
        open_alerts=sum(counts.values()),
    )


@router.get("/alerts")
async def list_alerts(
    db: Db,
    _: Watcher,
    state: Literal["open", "cleared"] | None = None,
    monitor: MonitorName | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> cursors.Page[AlertOut]:
    """Alerts: open ones first, then the newest."""
    after: tuple[bool, datetime, UUID] | None = None
    if cursor is not None:
        place, raised_at, alert_id = cursors.decode(cursor, (int, datetime, UUID))
        after = (bool(place), raised_at, alert_id)
    async with db.snapshot() as tx:
        found = await store.list_alerts(
            tx, open_=None if state is None else state == "open", monitor=monitor, after=after, limit=limit + 1
        )
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    return cursors.Page[AlertOut](
        items=[_alert(one) for one in shown],
        next_cursor=None
        if last is None
        else cursors.encode(int(last.cleared_at is None), last.raised_at, last.alert_id),
    )


@router.post("/thresholds", response_model=MonitorThresholdOut, status_code=201)
async def change_threshold(
    request: Request, db: Db, caller: Engineer, source: ActSourceDep, body: ThresholdIn
) -> Response:
    """Put a new version of a monitor's threshold into force; the ones before stay as they are."""

    async def work(tx: Tx) -> MonitorThresholdOut:
        made = await handlers.change_threshold(
            tx,
            body.monitor,
            MonitorThreshold(0, body.trip, body.clear, body.hold_seconds, body.calm_seconds),
            replaces=body.replaces,
            made_by=caller.subject,
            made_by_name=caller.name or "",
            reason=body.reason,
        )
        target = body.model_dump(mode="json", exclude={"reason"})
        await source.note(tx, caller, OperatorAct("threshold", subject=body.monitor, reason=body.reason, target=target))
        return MonitorThresholdOut(monitor=made.monitor, **_fields(made))

    return await once(request, db, caller, work, status=201)


def _fields(stored: StoredThreshold) -> dict[str, object]:
    one = stored.threshold
    return {
        "version": one.version,
        "trip": one.trip,
        "clear": one.clear,
        "hold_seconds": one.hold_seconds,
        "calm_seconds": one.calm_seconds,
        "made_by": stored.made_by,
        "made_by_name": stored.made_by_name,
        "reason": stored.reason,
        "made_at": stored.made_at,
    }


def _reading(known: KnownState) -> ReadingOut:
    return ReadingOut(
        subject=known.subject,
        site_id=known.site_id,
        reading=known.reading,
        paused=known.paused,
        over_since=known.state.over_since,
        alert_id=known.state.alert_id,
        judged_at=known.judged_at,
    )


def _alert(alert: Alert) -> AlertOut:
    return AlertOut(
        alert_id=alert.alert_id,
        monitor=alert.monitor,
        unit=UNITS[alert.monitor],
        subject=alert.subject,
        site_id=alert.site_id,
        reading=alert.reading,
        worst=alert.worst,
        threshold=alert.threshold,
        threshold_version=alert.threshold_version,
        raised_at=alert.raised_at,
        cleared_at=alert.cleared_at,
        cleared_reading=alert.cleared_reading,
        notified=list(NOTIFIED),
    )
