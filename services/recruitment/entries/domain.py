"""Hours that are entered afterwards for a volunteer of whom the shift has no record. Pure.

What is entered is backfilled: it rests on evidence, earns no points, and waits for another site.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal, State
from services.recruitment.attendance.domain import (
    AttendancePolicy,
    Busy,
    ClosedBy,
    Place,
    Provenance,
    RecordStatus,
    RevisionKind,
    ServiceRecord,
    ServiceRevision,
    clash,
    counted_minutes,
    fault_of_times,
)

__all__ = ["Entry", "Recorder", "enter", "fault_of_hours"]


@dataclass(frozen=True, slots=True)
class Recorder:
    """The account that enters the hours; ``volunteer_id`` when its holder is a volunteer too."""

    account_id: UUID
    volunteer_id: UUID | None
    site_id: UUID


@dataclass(frozen=True, slots=True)
class Entry:
    """The hours of one volunteer; ``drive_id`` is the drive that recruited them."""

    record_id: UUID
    volunteer_id: UUID
    drive_id: UUID | None
    started_at: datetime
    ended_at: datetime
    reason: str


def fault_of_hours(
    started_at: datetime, ended_at: datetime, place: Place, policy: AttendancePolicy, now: datetime
) -> DomainRefusal | None:
    """Why no volunteer can have served these hours in the shift; None when some can."""
    if place.activity_state is State.PLANNED:
        return DomainRefusal("activity-not-open", "The activity is a draft that was never opened.")
    cancelled_at = place.shift.cancelled_at
    if cancelled_at is not None and cancelled_at <= place.shift.starts_at:
        return DomainRefusal("shift-cancelled", "This shift was called off before it began.")
    if (detail := fault_of_times(started_at, ended_at, policy, now)) is not None:
        return DomainRefusal("times-invalid", detail, 422)
    if counted_minutes(started_at, ended_at, place.shift) == 0:
        return DomainRefusal("times-invalid", "No whole minute of these times lies inside the shift.", 422)
    return None


def enter(
    entry: Entry, place: Place, busy: Sequence[Busy], recorder: Recorder, policy: AttendancePolicy
) -> ServiceRevision | DomainRefusal:
    """A closed, provisional record of the hours inside the shift, or why this volunteer has none.

    The hours themselves are possible: `fault_of_hours` found nothing.
    """
    if entry.volunteer_id == recorder.volunteer_id:
        return DomainRefusal(
            "own-record", "Recorders cannot record hours of their own; another member of staff can.", 403
        )
    if (other := clash(entry.started_at, entry.ended_at, busy)) is not None:
        return DomainRefusal(
            "attendance-overlaps",
            "The times overlap another record of this volunteer.",
            extra={"record_id": str(other.record_id)},
        )
    shift = place.shift
    if sum(1 for each in busy if each.shift_id == shift.shift_id) >= policy.most_check_ins:
        return DomainRefusal("too-many-check-ins", f"At most {policy.most_check_ins} records per volunteer and shift.")
    record = ServiceRecord(
        record_id=entry.record_id,
        revision=1,
        volunteer_id=entry.volunteer_id,
        activity_id=shift.activity_id,
        shift_id=shift.shift_id,
        site_id=place.site_id,
        team_id=place.team_id,
        drive_id=entry.drive_id,
        theme=place.theme,
        kind=place.kind,
        provenance=Provenance.BACKFILLED,
        closed_by=ClosedBy.STAFF,
        status=RecordStatus.PROVISIONAL,
        started_at=entry.started_at,
        ended_at=entry.ended_at,
        minutes=counted_minutes(entry.started_at, entry.ended_at, shift),
        planned_minutes=shift.planned_minutes,
        recorded_by=recorder.account_id,
        recorder_site_id=recorder.site_id,
    )
    return ServiceRevision(record, RevisionKind.ADD, recorder.account_id, entry.reason)
