"""Service records and their revisions: what a check-in, a check-out and every later change make of them. Pure.

A record's interval is half-open, so back to back is no conflict. An open record occupies its volunteer until its
shift's end plus the grace after which it is closed automatically, whether or not the timer has come by yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.recruitment.activities.domain import Refused, Shift, State, overlaps

__all__ = [
    "DEFAULT_POLICY",
    "PHONE",
    "ApprovalLevel",
    "Arrival",
    "Busy",
    "Change",
    "CheckIn",
    "ClosedBy",
    "Place",
    "Policy",
    "Provenance",
    "Record",
    "Revision",
    "Status",
    "auto_close",
    "check_in",
    "check_out",
    "clash",
    "fault_of_times",
    "imported",
    "minutes_between",
    "phone_ref",
]

PHONE = "phone:"
"""What the reference of a volunteer's own phone begins with; no registered device's does."""


class Provenance(StrEnum):
    """How the person checked in. Backfilled and imported hours are honour hours and earn no points."""

    SCANNED = "scanned"
    KIOSK = "kiosk"
    LEADER = "leader"
    BACKFILLED = "backfilled"
    IMPORTED = "imported"


class ClosedBy(StrEnum):
    """Who or what set the end."""

    SELF = "self"
    STAFF = "staff"
    AUTO = "auto"
    CORRECTION = "correction"


class Status(StrEnum):
    """Provisional: open, or closed in a way that somebody must still confirm."""

    PROVISIONAL = "provisional"
    CONFIRMED = "confirmed"
    VOID = "void"


class ApprovalLevel(StrEnum):
    """The highest level at which somebody stands for the record."""

    NONE = "none"
    LEADER = "leader"
    SITE = "site"
    CENTRE = "centre"


class Change(StrEnum):
    """What made a revision."""

    CHECK_IN = "check_in"
    CHECK_OUT = "check_out"
    UPLOAD = "upload"
    IMPORT = "import"
    AUTO_CLOSE = "auto_close"
    CONFIRM = "confirm"
    CORRECT = "correct"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds of what counts as attendance."""

    early_check_in: timedelta = timedelta(minutes=60)
    """How long before a shift's start people may check in."""
    grace: timedelta = timedelta(minutes=30)
    """How long after a shift's end a check-out still counts to the minute; then open records are closed."""
    late_check_out: timedelta = timedelta(hours=4)
    """How long after a shift's end a real check-out still replaces the automatic one."""
    most_check_ins: int = 3
    """Per volunteer and shift."""
    longest: timedelta = timedelta(hours=16)
    """No record is longer."""
    skew: timedelta = timedelta(seconds=60)
    """How far into the future a device's time may lie after its measured skew was taken off."""


DEFAULT_POLICY = Policy()


@dataclass(frozen=True, slots=True)
class Record:
    """The whole state of one service record at one revision. ``distance_m`` is metres to the site.

    ``device_ref`` is the registered device that uploaded it, or the phone of the last scan (`phone_ref`).
    """

    record_id: UUID
    revision: int
    volunteer_id: UUID
    activity_id: UUID | None
    shift_id: UUID | None
    site_id: UUID | None
    team_id: UUID | None
    drive_id: UUID | None
    theme: str
    kind: str
    provenance: Provenance
    closed_by: ClosedBy | None
    status: Status
    started_at: datetime
    ended_at: datetime | None
    minutes: int
    planned_minutes: int
    recorded_by: UUID | None = None
    recorder_site_id: UUID | None = None
    device_ref: str | None = None
    approval_level: ApprovalLevel = ApprovalLevel.NONE
    distance_m: int | None = None

    @property
    def is_open(self) -> bool:
        """Checked in and not out."""
        return self.ended_at is None and self.status is not Status.VOID


@dataclass(frozen=True, slots=True)
class Revision:
    """A record as it stands now, and what made it so."""

    record: Record
    change: Change
    made_by: UUID | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Busy:
    """Time that one of the volunteer's records takes; ``until`` also for open ones."""

    record_id: UUID
    shift_id: UUID | None
    started_at: datetime
    until: datetime
    is_open: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A shift and what a record says about its activity."""

    shift: Shift
    activity_state: State
    site_id: UUID
    team_id: UUID
    theme: str
    kind: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """What deciding on a check-in or check-out needs, read under the volunteer's lock."""

    place: Place
    signed_up: bool
    here: Sequence[Record]
    """The volunteer's records of this shift that are not void, oldest first."""
    busy: Sequence[Busy]
    """The volunteer's other records around now."""


@dataclass(frozen=True, slots=True)
class CheckIn:
    """A volunteer came; ``record_id`` is the new record's, ``device_id`` what the phone calls itself."""

    record_id: UUID
    volunteer_id: UUID
    drive_id: UUID | None
    distance_m: int | None = None
    device_id: str | None = None


def phone_ref(device_id: str | None) -> str | None:
    """How a record names a volunteer's phone, apart from every registered device."""
    return None if device_id is None else f"{PHONE}{device_id}"


def minutes_between(started_at: datetime, ended_at: datetime) -> int:
    """Whole minutes, rounded down; never negative."""
    return max(0, int((ended_at - started_at).total_seconds()) // 60)


def fault_of_times(started_at: datetime, ended_at: datetime, policy: Policy, now: datetime) -> str | None:
    """What is wrong with the times of something that is said to have happened."""
    if ended_at <= started_at:
        return "ended_at must come after started_at."
    if ended_at > now:
        return "ended_at lies in the future."
    if ended_at - started_at > policy.longest:
        return f"A record is at most {policy.longest.total_seconds() / 3600:g} hours long."
    return None


def clash(started_at: datetime, ended_at: datetime, busy: Sequence[Busy]) -> Busy | None:
    """The first of the records that shares time with the interval."""
    return next((other for other in busy if overlaps(started_at, ended_at, other.started_at, other.until)), None)


def check_in(state: Arrival, command: CheckIn, policy: Policy, now: datetime) -> Revision | Refused:
    """Open a record at ``now``, or say why not."""
    if (refused := _may_arrive(state, policy, now)) is not None:
        return refused
    place, shift = state.place, state.place.shift
    record = Record(
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
        status=Status.PROVISIONAL,
        started_at=now,
        ended_at=None,
        minutes=0,
        planned_minutes=shift.planned_minutes,
        device_ref=phone_ref(command.device_id),
        distance_m=command.distance_m,
    )
    return Revision(record, Change.CHECK_IN, command.volunteer_id)


def _may_arrive(state: Arrival, policy: Policy, now: datetime) -> Refused | None:
    shift = state.place.shift
    if state.place.activity_state is not State.OPEN:
        return Refused("activity-not-open", f"The activity is {state.place.activity_state}; nobody can check in.")
    for record in state.here:
        if record.is_open:
            return Refused(
                "already-checked-in", "Checked in to this shift already.", extra={"record_id": str(record.record_id)}
            )
    if not state.signed_up:
        return Refused("signup-missing", "Sign up for this shift first, then check in.")
    if now < (opens := shift.starts_at - policy.early_check_in):
        return Refused(
            "check-in-too-early",
            f"Check-in opens {_minutes(policy.early_check_in)} minutes before the shift begins.",
            extra={"opens_at": opens.isoformat()},
        )
    if now >= shift.ends_at:
        return Refused("shift-over", "This shift is over; ask the team's leader to record what was done.")
    if len(state.here) >= policy.most_check_ins:
        return Refused("too-many-check-ins", f"At most {policy.most_check_ins} check-ins per shift.")
    for other in state.busy:
        if other.started_at <= now < other.until:
            where = (
                "Checked in elsewhere and not out; check out there first."
                if other.is_open
                else ("Another record covers this moment already.")
            )
            slug = "checked-in-elsewhere" if other.is_open else "attendance-overlaps"
            return Refused(slug, where, extra={"record_id": str(other.record_id)})
    for record in state.here:
        if record.ended_at is not None and now < record.ended_at:
            return Refused(
                "attendance-overlaps",
                "Another record covers this moment already.",
                extra={"record_id": str(record.record_id)},
            )
    return None


def check_out(
    state: Arrival, volunteer_id: UUID, policy: Policy, now: datetime, device_id: str | None = None
) -> Revision | Refused:
    """Close the open record of the shift at ``now``, at most at the shift's end plus grace.

    A real check-out that comes after the automatic one replaces it. The phone that scanned it takes the place of the
    check-in's, which stays in the history: one phone may check out many who came with their own.
    """
    shift = state.place.shift
    record = _awaiting_check_out(state)
    if record is None:
        if state.here:
            last = state.here[-1]
            return Refused(
                "already-checked-out", "Checked out of this shift already.", extra={"record_id": str(last.record_id)}
            )
        return Refused("not-checked-in", "There is no check-in for this shift, so there is nothing to check out of.")
    if now > shift.ends_at + policy.late_check_out:
        return Refused(
            "check-out-too-late",
            "The shift ended too long ago; its end stands until the team's leader or the site confirms the record.",
            extra={"record_id": str(record.record_id)},
        )
    later = (busy.started_at for busy in state.busy if busy.started_at >= record.started_at)
    # A driven clock may stand still or be set back: a record never ends before it began.
    ended_at = max(record.started_at, min(now, shift.ends_at + policy.grace, *later))
    closed = replace(
        record,
        revision=record.revision + 1,
        closed_by=ClosedBy.SELF,
        status=Status.CONFIRMED,
        ended_at=ended_at,
        minutes=minutes_between(record.started_at, ended_at),
        device_ref=phone_ref(device_id) or record.device_ref,
    )
    return Revision(closed, Change.CHECK_OUT, volunteer_id)


def _awaiting_check_out(state: Arrival) -> Record | None:
    for record in state.here:
        if record.is_open:
            return record
    if not state.here:
        return None
    last = state.here[-1]
    waiting = last.closed_by is ClosedBy.AUTO and last.status is Status.PROVISIONAL
    return last if waiting else None


def auto_close(record: Record, shift: Shift, policy: Policy, now: datetime) -> Revision | None:
    """Close what was left open at the shift's end, provisionally; None while the grace lasts or if it is closed."""
    if not record.is_open or now < shift.ends_at + policy.grace:
        return None
    ended_at = max(record.started_at, shift.ends_at)
    closed = replace(
        record,
        revision=record.revision + 1,
        closed_by=ClosedBy.AUTO,
        status=Status.PROVISIONAL,
        ended_at=ended_at,
        minutes=minutes_between(record.started_at, ended_at),
    )
    return Revision(closed, Change.AUTO_CLOSE, None, "no check-out by the shift's end")


def imported(record_id: UUID, volunteer_id: UUID, minutes: int, at: datetime) -> Revision:
    """Prior hours from the registry of record, as one confirmed record without activity or shift."""
    record = Record(
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
        status=Status.CONFIRMED,
        started_at=at,
        ended_at=at,
        minutes=minutes,
        planned_minutes=0,
        approval_level=ApprovalLevel.CENTRE,
    )
    return Revision(record, Change.IMPORT, None)


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds()) // 60
