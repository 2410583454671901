"""Revisions as events: each is published, in the transaction that writes it."""

from collections.abc import Sequence
from datetime import datetime

from services.recruitment.attendance.domain import ServiceRevision
from shared import outbox
from shared.contracts import AttendanceRecorded
from shared.ids import derived_id
from shared.postgres import Tx

__all__ = ["append"]

_SOURCE = "weiguang/recruitment"


async def append(tx: Tx, revisions: Sequence[ServiceRevision], at: datetime) -> None:
    """Append one ``AttendanceRecorded`` per revision; its id follows from record and revision."""
    events = []
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
    await outbox.append(tx, *events)
