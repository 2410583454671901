"""Revisions as events: each is published, in the transaction that writes it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.recruitment.attendance import store
from services.recruitment.attendance.domain import RevisionKind, ServiceRecord, ServiceRevision
from shared import outbox
from shared.cloudevents import Event
from shared.contracts import AssertionNoted, AttendanceRecorded
from shared.ids import derived_id
from shared.postgres import Tx

__all__ = ["append"]

_SOURCE = "weiguang/recruitment"


async def append(tx: Tx, revisions: Sequence[ServiceRevision], at: datetime) -> None:
    """Append one ``AttendanceRecorded`` per revision; its id follows from record and revision.

    An automatic close is an assertion too: the volunteer is asked about it, and the site's staff once for a shift.
    """
    events: list[Event[Any]] = []
    asked: set[UUID | None] = set()
    for each in revisions:
        record = each.record
        recorded = AttendanceRecorded(
            record_id=record.record_id,
            revision=record.revision,
            volunteer_id=record.volunteer_id,
            activity_id=record.activity_id,
            shift_id=record.shift_id,
            site_id=record.site_id,
            team_id=record.team_id,
            drive_id=record.drive_id,
            theme=record.theme,
            kind=record.kind,
            provenance=record.provenance.value,
            closed_by=None if record.closed_by is None else record.closed_by.value,
            status=record.status.value,
            started_at=record.started_at,
            ended_at=record.ended_at,
            minutes=record.minutes,
            planned_minutes=record.planned_minutes,
            recorded_by=record.recorded_by,
            recorder_site_id=record.recorder_site_id,
            device_ref=record.device_ref,
            approval_level=record.approval_level.value,
            distance_m=record.distance_m,
        )
        event_id = derived_id("attendance-revision", record.record_id, record.revision)
        events.append(outbox.event(recorded, source=_SOURCE, aggregate_version=record.revision, id=event_id, time=at))
        if each.change is RevisionKind.AUTO_CLOSE:
            staff = await _staff(tx, record) if record.shift_id not in asked else []
            asked.add(record.shift_id)
            events.append(_asserted(record, at, tuple(staff)))
    await outbox.append(tx, *events)


async def _staff(tx: Tx, record: ServiceRecord) -> list[UUID]:
    return [] if record.site_id is None else await store.staff_of_site(tx, record.site_id)


def _asserted(record: ServiceRecord, at: datetime, staff: tuple[UUID, ...]) -> Event[Any]:
    data = AssertionNoted(
        record_id=record.record_id,
        revision=record.revision,
        volunteer_id=record.volunteer_id,
        act="auto-closed",
        activity_id=record.activity_id,
        site_id=record.site_id,
        provenance=record.provenance.value,
        status=record.status.value,
        minutes=record.minutes,
        recorded_by=record.recorded_by,
        recorder_site_id=record.recorder_site_id,
        started_at=record.started_at,
        staff_ids=staff,
    )
    event_id = derived_id("assertion-noted", record.record_id, record.revision, data.act)
    return outbox.event(data, source=_SOURCE, aggregate_version=record.revision, id=event_id, time=at)
