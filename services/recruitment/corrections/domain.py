"""Confirming, correcting and voiding: who may change a record afterwards, and what it becomes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.recruitment.activities.domain import Refused
from services.recruitment.attendance.domain import (
    ApprovalLevel,
    Busy,
    Change,
    ClosedBy,
    Policy,
    Provenance,
    Record,
    Revision,
    Status,
    clash,
    fault_of_times,
    minutes_between,
)

__all__ = ["Actor", "confirm", "correct", "void"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes a record afterwards; ``home_site_id`` is the site whose staff it is, None for the centre."""

    subject: UUID
    volunteer_id: UUID | None
    level: ApprovalLevel
    home_site_id: UUID | None = None


def confirm(record: Record, actor: Actor, reason: str) -> Revision | Refused:
    """Stand for a closed provisional record. Backfilled hours need somebody of another site than recorded them."""
    if (refused := _may_change(record, actor)) is not None:
        return refused
    if record.status is Status.CONFIRMED:
        return Refused("record-confirmed", "This record is confirmed already.")
    if record.is_open:
        return Refused("record-open", "This record is still open; it can be confirmed after check-out.")
    if record.provenance is Provenance.BACKFILLED:
        if actor.level is ApprovalLevel.LEADER:
            return Refused("approval-too-low", "Hours entered afterwards are approved by staff, not by leaders.", 403)
        if record.recorded_by == actor.subject or (
            actor.home_site_id is not None and actor.home_site_id == record.recorder_site_id
        ):
            return Refused(
                "second-approver-needed", "Hours entered afterwards are approved by staff of another site.", 403
            )
    confirmed = replace(record, revision=record.revision + 1, status=Status.CONFIRMED, approval_level=actor.level)
    return Revision(confirmed, Change.CONFIRM, actor.subject, reason)


def correct(
    record: Record,
    times: tuple[datetime, datetime],
    busy: Sequence[Busy],
    actor: Actor,
    reason: str,
    policy: Policy,
    now: datetime,
) -> Revision | Refused:
    """New times for a record, in the past, without overlap. Backfilled hours wait for approval again."""
    started_at, ended_at = times
    if (refused := _may_change(record, actor)) is not None:
        return refused
    if record.provenance is Provenance.IMPORTED:
        return Refused("record-imported", "Imported hours are corrected in the registry that they come from.")
    if (detail := fault_of_times(started_at, ended_at, policy, now)) is not None:
        return Refused("times-invalid", detail, 422)
    if (other := clash(started_at, ended_at, [b for b in busy if b.record_id != record.record_id])) is not None:
        return Refused(
            "attendance-overlaps",
            "The new times overlap another record of this volunteer.",
            extra={"record_id": str(other.record_id)},
        )
    if (started_at, ended_at) == (record.started_at, record.ended_at):
        return Refused("nothing-to-correct", "The record has these times already.")
    corrected = replace(
        record,
        revision=record.revision + 1,
        closed_by=ClosedBy.CORRECTION,
        status=Status.CONFIRMED,
        started_at=started_at,
        ended_at=ended_at,
        minutes=minutes_between(started_at, ended_at),
        approval_level=actor.level,
    )
    if record.provenance is Provenance.BACKFILLED:
        # Entered by hand once more, so approved once more, by somebody else than entered it.
        corrected = replace(
            corrected,
            status=Status.PROVISIONAL,
            approval_level=ApprovalLevel.NONE,
            recorded_by=actor.subject,
            recorder_site_id=actor.home_site_id or record.recorder_site_id,
        )
    return Revision(corrected, Change.CORRECT, actor.subject, reason)


def void(record: Record, actor: Actor, reason: str) -> Revision | Refused:
    """The record counts for nothing from now on; its times stay, so that one sees what was voided."""
    if (refused := _may_change(record, actor)) is not None:
        return refused
    voided = replace(record, revision=record.revision + 1, status=Status.VOID, approval_level=actor.level)
    return Revision(voided, Change.VOID, actor.subject, reason)


def _may_change(record: Record, actor: Actor) -> Refused | None:
    if actor.volunteer_id is not None and actor.volunteer_id == record.volunteer_id:
        return Refused("own-record", "Nobody changes a record of their own; ask another member of staff.", 403)
    if record.status is Status.VOID:
        return Refused("record-void", "This record is void; it cannot be changed any more.")
    return None
