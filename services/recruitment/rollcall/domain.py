"""The revisions that a roll-call makes of volunteers who come or leave. Pure.

A tick is the word of the account that gives it, at the server's time. What it adds counts once the record is closed,
within the caps of the account.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal
from services.recruitment.attendance.domain import (
    ApprovalLevel,
    Arrival,
    AttendancePolicy,
    CheckIn,
    ClosedBy,
    Provenance,
    RecordStatus,
    ServiceRevision,
    check_in,
    check_out,
)

__all__ = ["RollCaller", "Tick", "arrive", "leave", "waiting"]


class Tick(StrEnum):
    """The meaning of a tick: the volunteer has come, or leaves."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class RollCaller:
    """The account that calls the roll; ``volunteer_id`` when its holder is a volunteer too."""

    account_id: UUID
    volunteer_id: UUID | None
    site_id: UUID
    level: ApprovalLevel


def arrive(
    state: Arrival, command: CheckIn, caller: RollCaller, policy: AttendancePolicy, now: datetime
) -> ServiceRevision | DomainRefusal:
    """Open a record at ``now`` on the caller's word; sign-ups are not needed: attendance is a fact."""
    if (refused := _own(command.volunteer_id, caller)) is not None:
        return refused
    opened = check_in(replace(state, signed_up=True), command, policy, now)
    if isinstance(opened, DomainRefusal):
        return opened
    record = replace(
        opened.record,
        provenance=Provenance.LEADER,
        recorded_by=caller.account_id,
        recorder_site_id=caller.site_id,
    )
    return replace(opened, record=record, made_by=caller.account_id)


def leave(
    state: Arrival, volunteer_id: UUID, caller: RollCaller, policy: AttendancePolicy, now: datetime
) -> ServiceRevision | DomainRefusal:
    """Close the open record at ``now`` on the caller's word."""
    if (refused := _own(volunteer_id, caller)) is not None:
        return refused
    if not any(record.is_open for record in state.here):
        return DomainRefusal("not-checked-in", "There is no open record for this shift, so there is nothing to end.")
    closed = check_out(state, volunteer_id, policy, now)
    if isinstance(closed, DomainRefusal):
        return closed
    record = replace(
        closed.record,
        closed_by=ClosedBy.STAFF,
        status=RecordStatus.CONFIRMED,
        recorded_by=caller.account_id,
        recorder_site_id=caller.site_id,
        approval_level=caller.level,
    )
    return replace(closed, record=record, made_by=caller.account_id)


def waiting(revision: ServiceRevision) -> ServiceRevision:
    """The revision of a record that another site must approve before it counts."""
    record = replace(revision.record, status=RecordStatus.PROVISIONAL, approval_level=ApprovalLevel.NONE)
    return replace(revision, record=record)


def _own(volunteer_id: UUID, caller: RollCaller) -> DomainRefusal | None:
    if volunteer_id != caller.volunteer_id:
        return None
    detail = "Recorders cannot record hours of their own; another member of staff or a deputy can."
    return DomainRefusal("own-record", detail, 403)
