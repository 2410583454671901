"""Check-in, check-out, the automatic close and imported hours, as revisions of service records. Pure.

An open record occupies its volunteer until its shift's end plus the grace after which it is closed automatically,
whether or not the timer has run.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal, Shift, State
from services.recruitment.attendance.terms.domain import (
    DEFAULT_POLICY,
    PHONE,
    ApprovalLevel,
    Arrival,
    AttendancePolicy,
    Busy,
    CheckIn,
    ClosedBy,
    Place,
    Provenance,
    RecordStatus,
    RevisionKind,
    ServiceRecord,
    ServiceRevision,
    clash,
    counted_minutes,
    end_of,
    fault_of_times,
    minutes_between,
    overtime_minutes,
    phone_ref,
)

__all__ = [
    "DEFAULT_POLICY",
    "PHONE",
    "ApprovalLevel",
    "Arrival",
    "AttendancePolicy",
    "Busy",
    "CheckIn",
    "ClosedBy",
    "Place",
    "Provenance",
    "RecordStatus",
    "RevisionKind",
    "ServiceRecord",
    "ServiceRevision",
    "auto_close",
    "check_in",
    "check_out",
    "clash",
    "counted_minutes",
    "fault_of_times",
    "imported",
    "minutes_between",
    "overtime_minutes",
    "phone_ref",
    "raised",
    "resume",
]


def check_in(
    state: Arrival, command: CheckIn, policy: AttendancePolicy, now: datetime
) -> ServiceRevision | DomainRefusal:
    """Open a record at ``now``, or say why not."""
    if (refused := _may_arrive(state, policy, now)) is not None:
        return refused
    place, shift = state.place, state.place.shift
    record = ServiceRecord(
        record_id=command.record_id,
        revision=1,
        volunteer_id=command.volunteer_id,
        activity_id=shift.activity_id,
        shift_id=shift.shift_id,
        site_id=place.site_id,
        team_id=place.team_id,
        drive_id=command.drive_id,
        theme=place.theme,
        kind=place.kind,
        provenance=Provenance.SCANNED,
        closed_by=None,
        status=RecordStatus.PROVISIONAL,
        started_at=now,
        ended_at=None,
        minutes=0,
        planned_minutes=shift.planned_minutes,
        device_ref=phone_ref(command.device_id),
        distance_m=command.distance_m,
    )
    return ServiceRevision(record, RevisionKind.CHECK_IN, command.volunteer_id)


def _may_arrive(state: Arrival, policy: AttendancePolicy, now: datetime) -> DomainRefusal | None:
    shift = state.place.shift
    if state.place.activity_state is not State.OPEN:
        return DomainRefusal("activity-not-open", f"The activity is {state.place.activity_state}; check-in is closed.")
    for record in state.here:
        if record.is_open:
            return DomainRefusal(
                "already-checked-in", "Checked in to this shift already.", extra={"record_id": str(record.record_id)}
            )
    if not state.signed_up:
        return DomainRefusal("signup-missing", "Sign up for this shift first, then check in.")
    if now < (opens := shift.starts_at - policy.early_check_in):
        return DomainRefusal(
            "check-in-too-early",
            f"Check-in opens {_minutes(policy.early_check_in)} minutes before the shift begins.",
            extra={"opens_at": opens.isoformat()},
        )
    if now >= shift.ends_at:
        return DomainRefusal("shift-over", "This shift is over; ask the team's leader to record what was done.")
    if shift.cancelled_at is not None:
        return DomainRefusal("shift-cancelled", "This shift was called off; sign up for another one.")
    if state.place.planned_late:
        return DomainRefusal(
            "shift-planned-late",
            "This shift was planned after it began; staff of the site enter its hours afterwards, with evidence.",
        )
    if len(state.here) >= policy.most_check_ins:
        return DomainRefusal("too-many-check-ins", f"At most {policy.most_check_ins} check-ins per shift.")
    for other in state.busy:
        if other.started_at <= now < other.until:
            where = (
                "Checked in elsewhere and not out; check out there first."
                if other.is_open
                else ("Another record covers this moment already.")
            )
            slug = "checked-in-elsewhere" if other.is_open else "attendance-overlaps"
            return DomainRefusal(slug, where, extra={"record_id": str(other.record_id)})
    for record in state.here:
        if record.ended_at is not None and now < record.ended_at:
            return DomainRefusal(
                "attendance-overlaps",
                "Another record covers this moment already.",
                extra={"record_id": str(record.record_id)},
            )
    return None


def check_out(
    state: Arrival, volunteer_id: UUID, policy: AttendancePolicy, now: datetime, device_id: str | None = None
) -> ServiceRevision | DomainRefusal:
    """Close the open record of the shift at ``now``; what lies outside of the shift does not count.

    A real check-out after the automatic one replaces it, up to `AttendancePolicy.late_check_out` after the shift.
    What a roll-call checked in counts on its account's word, so it waits until the site confirms it within the caps.
    The phone that scanned it replaces the check-in's, which stays in the history: one phone may check out many
    volunteers who came with their own.
    """
    shift = state.place.shift
    record = _awaiting_check_out(state)
    if record is None:
        if state.here:
            last = state.here[-1]
            return DomainRefusal(
                "already-checked-out", "Checked out of this shift already.", extra={"record_id": str(last.record_id)}
            )
        return DomainRefusal(
            "not-checked-in", "There is no check-in for this shift, so there is nothing to check out of."
        )
    if now > end_of(shift) + policy.late_check_out:
        return DomainRefusal(
            "check-out-too-late",
            "The shift ended too long ago; its end stands until the team's leader or the site confirms the record.",
            extra={"record_id": str(record.record_id)},
        )
    others = [
        *(each.started_at for each in state.busy),
        *(each.started_at for each in state.here if each is not record),
    ]
    later = (at for at in others if at >= record.started_at)
    # A driven clock may stand still or be set back: a record never ends before it began.
    ended_at = max(record.started_at, min([now, *later]))
    closed = replace(
        record,
        revision=record.revision + 1,
        closed_by=ClosedBy.SELF,
        status=RecordStatus.PROVISIONAL if record.provenance is Provenance.LEADER else RecordStatus.CONFIRMED,
        ended_at=ended_at,
        minutes=counted_minutes(record.started_at, ended_at, shift),
        device_ref=phone_ref(device_id) or record.device_ref,
    )
    return ServiceRevision(closed, RevisionKind.CHECK_OUT, volunteer_id)


def resume(
    record: ServiceRecord,
    state: Arrival,
    volunteer_id: UUID,
    policy: AttendancePolicy,
    now: datetime,
    *,
    same_session: bool,
) -> ServiceRevision | DomainRefusal:
    """The record open again, soon after a check-out by mistake and before its shift ends.

    ``same_session``: the calling session made the check-out, and the record was not revised since.
    """
    by_scan = record.provenance is Provenance.SCANNED and record.closed_by is ClosedBy.SELF
    if record.ended_at is None:
        return DomainRefusal("already-checked-in", "This record is open already.")
    if not by_scan or record.status is not RecordStatus.CONFIRMED:
        return DomainRefusal(
            "not-resumable",
            "Only a record that its volunteer checked out of by scan, and that has not changed since, goes on.",
        )
    if not same_session:
        return DomainRefusal(
            "check-out-of-another-session",
            "Only the session that checked out undoes it; ask the site to add what is missing.",
            403,
        )
    if now >= record.ended_at + policy.resumable or now >= end_of(state.place.shift):
        return DomainRefusal(
            "resumption-too-late",
            f"A check-out can be undone for {_minutes(policy.resumable)} minutes, and before the shift ends.",
        )
    if state.place.activity_state is not State.OPEN:
        return DomainRefusal("activity-not-open", f"The activity is {state.place.activity_state}; check-in is closed.")
    others = [(each.started_at, each.is_open) for each in state.busy]
    others += [(each.started_at, each.is_open) for each in state.here if each.record_id != record.record_id]
    if any(is_open or started_at >= record.ended_at for started_at, is_open in others):
        return DomainRefusal("attendance-overlaps", "Another record covers this moment already.")
    resumed = replace(
        record,
        revision=record.revision + 1,
        closed_by=None,
        status=RecordStatus.PROVISIONAL,
        ended_at=None,
        minutes=0,
    )
    return ServiceRevision(resumed, RevisionKind.RESUME, volunteer_id)


def _awaiting_check_out(state: Arrival) -> ServiceRecord | None:
    for record in state.here:
        if record.is_open:
            return record
    scanned = [record for record in state.here if record.provenance is Provenance.SCANNED]
    if not scanned:
        return None
    last = scanned[-1]
    # A record that was confirmed and denied afterwards keeps its approval level, and waits for another site instead.
    unconfirmed = last.status is RecordStatus.PROVISIONAL and last.approval_level is ApprovalLevel.NONE
    return last if unconfirmed and last.closed_by is ClosedBy.AUTO else None


def auto_close(record: ServiceRecord, shift: Shift, policy: AttendancePolicy, now: datetime) -> ServiceRevision | None:
    """Close what was left open at the shift's end, provisionally; None while the grace lasts or if it is closed."""
    if not record.is_open or now < end_of(shift) + policy.grace:
        return None
    ended_at = max(record.started_at, end_of(shift))
    closed = replace(
        record,
        revision=record.revision + 1,
        closed_by=ClosedBy.AUTO,
        status=RecordStatus.PROVISIONAL,
        ended_at=ended_at,
        minutes=counted_minutes(record.started_at, ended_at, shift),
    )
    return ServiceRevision(closed, RevisionKind.AUTO_CLOSE, None, "no check-out by the shift's end")


def imported(record_id: UUID, volunteer_id: UUID, minutes: int, at: datetime) -> ServiceRevision:
    """Prior hours from the registry of record, as one confirmed record without activity or shift."""
    record = ServiceRecord(
        record_id=record_id,
        revision=1,
        volunteer_id=volunteer_id,
        activity_id=None,
        shift_id=None,
        site_id=None,
        team_id=None,
        drive_id=None,
        theme="imported",
        kind="imported",
        provenance=Provenance.IMPORTED,
        closed_by=ClosedBy.STAFF,
        status=RecordStatus.CONFIRMED,
        started_at=at,
        ended_at=at,
        minutes=minutes,
        planned_minutes=0,
        approval_level=ApprovalLevel.CENTRE,
    )
    return ServiceRevision(record, RevisionKind.IMPORT, None)


def raised(record: ServiceRecord, minutes: int) -> ServiceRevision | None:
    """The next revision of imported hours that rose in the registry; None when the record does not rise by them."""
    if record.status is not RecordStatus.CONFIRMED or minutes <= record.minutes:
        return None
    return ServiceRevision(replace(record, revision=record.revision + 1, minutes=minutes), RevisionKind.IMPORT, None)


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds()) // 60
