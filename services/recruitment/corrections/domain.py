"""Changes of a record afterwards: who may make them, and what the record becomes. Pure.

A correction only shortens, within the record. What one person adds to it is a second record that another site approves,
or overtime within the caps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal
from services.recruitment.attendance.domain import (
    ApprovalLevel,
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
    overtime_minutes,
)

__all__ = ["Actor", "add", "confirm", "correct", "overtime", "restore", "void", "with_overtime"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The actor of a later change; ``home_site_id`` is the site whose staff it is, None for the centre."""

    subject: UUID
    volunteer_id: UUID | None
    level: ApprovalLevel
    home_site_id: UUID | None = None


def confirm(
    record: ServiceRecord, actor: Actor, last_approval: str | None, reason: str
) -> ServiceRevision | DomainRefusal:
    """Assert a closed record that a scan or a roll-call checked in; ``last_approval``: its last approval's state."""
    if (refused := _may_change(record, actor)) is not None:
        return refused
    if record.status is RecordStatus.CONFIRMED:
        return DomainRefusal("record-confirmed", "This record is confirmed already.")
    if record.is_open:
        return DomainRefusal("record-open", "This record is still open; it can be confirmed after check-out.")
    witnessed = record.provenance in (Provenance.SCANNED, Provenance.LEADER)
    if not witnessed or last_approval in ("open", "lapsed", "rejected"):
        return DomainRefusal(
            "another-site-needed",
            "This record waits for staff of another site; a site itself confirms only what a scan or a roll-call"
            " checked in and the shift's end closed.",
            403,
        )
    confirmed = replace(record, revision=record.revision + 1, status=RecordStatus.CONFIRMED, approval_level=actor.level)
    return ServiceRevision(confirmed, RevisionKind.CONFIRM, actor.subject, reason)


def correct(
    record: ServiceRecord, times: tuple[datetime, datetime], place: Place | None, actor: Actor, reason: str
) -> ServiceRevision | DomainRefusal:
    """Shorten a closed record; its minutes never rise, and what waits goes on waiting."""
    started_at, ended_at = times
    if (refused := _may_change(record, actor)) is not None:
        return refused
    if record.provenance is Provenance.IMPORTED or place is None:
        return DomainRefusal("record-imported", "Imported hours are corrected in the registry that they come from.")
    if record.ended_at is None:
        return DomainRefusal(
            "record-open", "This record is still open; it can be corrected after check-out or its shift's end."
        )
    if ended_at <= started_at:
        return DomainRefusal(
            "times-invalid", "ended_at must come after started_at; to count nothing, void the record.", 422
        )
    if started_at < record.started_at or ended_at > record.ended_at:
        return DomainRefusal(
            "correction-only-shortens",
            "A correction stays inside the record; add forgotten time as a second record (additions) with evidence.",
            extra={"started_at": record.started_at.isoformat(), "ended_at": record.ended_at.isoformat()},
        )
    if times == (record.started_at, record.ended_at):
        return DomainRefusal("nothing-to-correct", "The record has these times already.")
    after = min(record.overtime_minutes, overtime_minutes(started_at, ended_at, place.shift))
    corrected = replace(
        record,
        revision=record.revision + 1,
        closed_by=ClosedBy.CORRECTION,
        started_at=started_at,
        ended_at=ended_at,
        minutes=min(record.minutes, counted_minutes(started_at, ended_at, place.shift) + after),
        overtime_minutes=after,
        approval_level=actor.level,
    )
    return ServiceRevision(corrected, RevisionKind.CORRECT, actor.subject, reason)


def void(record: ServiceRecord, actor: Actor, reason: str) -> ServiceRevision | DomainRefusal:
    """The record counts for nothing from now on; its times stay, so that one sees what was voided."""
    if (refused := _may_change(record, actor)) is not None:
        return refused
    voided = replace(record, revision=record.revision + 1, status=RecordStatus.VOID, approval_level=actor.level)
    return ServiceRevision(voided, RevisionKind.VOID, actor.subject, reason)


def restore(record: ServiceRecord, busy: Sequence[Busy], actor: Actor, reason: str) -> ServiceRevision | DomainRefusal:
    """A void record gets its last content back, provisionally: another site decides whether it counts."""
    if (refused := _own(record, actor)) is not None:
        return refused
    if record.status is not RecordStatus.VOID:
        return DomainRefusal("record-not-void", "This record is not void, so there is nothing to restore.")
    if record.provenance is Provenance.IMPORTED:
        return DomainRefusal("record-imported", "Imported hours are corrected in the registry that they come from.")
    if record.ended_at is None:
        return DomainRefusal(
            "record-never-closed",
            "This record was void before its check-out, so it has no hours; enter them afterwards, with evidence.",
        )
    if (other := clash(record.started_at, record.ended_at, busy)) is not None:
        return _overlaps(other)
    restored = replace(
        record, revision=record.revision + 1, status=RecordStatus.PROVISIONAL, approval_level=ApprovalLevel.NONE
    )
    return ServiceRevision(restored, RevisionKind.RESTORE, actor.subject, reason)


def add(
    record: ServiceRecord,
    record_id: UUID,
    times: tuple[datetime, datetime],
    place: Place | None,
    busy: Sequence[Busy],
    actor: Actor,
    reason: str,
    policy: AttendancePolicy,
    now: datetime,
) -> ServiceRevision | DomainRefusal:
    """Forgotten time as a second record of the same shift, entered afterwards and linked to the first."""
    started_at, ended_at = times
    if (refused := _own(record, actor)) is not None:
        return refused
    if place is None:
        return DomainRefusal("record-imported", "Imported hours are corrected in the registry that they come from.")
    if (detail := fault_of_times(started_at, ended_at, policy, now)) is not None:
        return DomainRefusal("times-invalid", detail, 422)
    minutes = counted_minutes(started_at, ended_at, place.shift)
    if minutes == 0:
        return DomainRefusal("times-invalid", "No whole minute of these times lies inside the shift.", 422)
    if (other := clash(started_at, ended_at, busy)) is not None:
        return _overlaps(other)
    added = replace(
        record,
        record_id=record_id,
        revision=1,
        provenance=Provenance.BACKFILLED,
        closed_by=ClosedBy.STAFF,
        status=RecordStatus.PROVISIONAL,
        started_at=started_at,
        ended_at=ended_at,
        minutes=minutes,
        recorded_by=actor.subject,
        recorder_site_id=actor.home_site_id or place.site_id,
        device_ref=None,
        approval_level=ApprovalLevel.NONE,
        distance_m=None,
        overtime_minutes=0,
        linked_record_id=record.record_id,
    )
    return ServiceRevision(added, RevisionKind.ADD, actor.subject, reason)


def overtime(
    record: ServiceRecord, place: Place | None, approved: int, waits: bool, actor: Actor, policy: AttendancePolicy
) -> int | DomainRefusal:
    """The whole minutes of the stay after the shift's end that may be approved; ``approved`` are the shift's so far."""
    if (refused := _may_change(record, actor)) is not None:
        return refused
    if place is None or record.provenance in (Provenance.IMPORTED, Provenance.BACKFILLED):
        return DomainRefusal("no-overtime", "Overtime is approved for what a scan, a device or a roll-call recorded.")
    if record.status is not RecordStatus.CONFIRMED or record.ended_at is None:
        return DomainRefusal(
            "record-not-confirmed", "Overtime is approved for confirmed records; close and confirm it first."
        )
    if waits:
        return DomainRefusal(
            "record-waits", "This record waits for another site; its overtime can be approved afterwards."
        )
    stayed = overtime_minutes(record.started_at, record.ended_at, place.shift) - record.overtime_minutes
    left = int(policy.most_overtime.total_seconds()) // 60 - approved
    if stayed <= 0:
        return DomainRefusal(
            "no-overtime", "This record does not reach beyond its shift's end, so there is no overtime."
        )
    if left <= 0:
        hours = policy.most_overtime.total_seconds() / 3600
        return DomainRefusal(
            "overtime-exhausted", f"At most {hours:g} hours of overtime count per volunteer and shift."
        )
    return min(stayed, left)


def with_overtime(record: ServiceRecord, minutes: int, actor: Actor, reason: str) -> ServiceRevision:
    """The record with so many minutes of overtime more."""
    longer = replace(
        record,
        revision=record.revision + 1,
        minutes=record.minutes + minutes,
        overtime_minutes=record.overtime_minutes + minutes,
    )
    return ServiceRevision(longer, RevisionKind.OVERTIME, actor.subject, reason)


def _may_change(record: ServiceRecord, actor: Actor) -> DomainRefusal | None:
    if (refused := _own(record, actor)) is not None:
        return refused
    if record.status is RecordStatus.VOID:
        return DomainRefusal(
            "record-void", "This record is void; it can only be restored, which another site approves."
        )
    return None


def _own(record: ServiceRecord, actor: Actor) -> DomainRefusal | None:
    if actor.volunteer_id is not None and actor.volunteer_id == record.volunteer_id:
        return DomainRefusal(
            "own-record", "Volunteers cannot change their own records; another member of staff can.", 403
        )
    return None


def _overlaps(other: Busy) -> DomainRefusal:
    return DomainRefusal(
        "attendance-overlaps",
        "The times overlap another record of this volunteer.",
        extra={"record_id": str(other.record_id)},
    )
