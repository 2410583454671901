"""Service records: their parts, the bounds of attendance, and how many of a record's minutes count. Pure.

A record's interval is half-open, so back to back is no conflict. It keeps the instants of check-in and check-out; what
counts is its overlap with the shift, and the overtime that was approved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.recruitment.activities.domain import Shift, State, overlaps

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
    "clash",
    "counted_minutes",
    "end_of",
    "fault_of_times",
    "minutes_between",
    "overtime_minutes",
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
    """The actor that set the end."""

    SELF = "self"
    STAFF = "staff"
    AUTO = "auto"
    CORRECTION = "correction"


class RecordStatus(StrEnum):
    """Provisional: open, or closed in a way that still needs confirmation."""

    PROVISIONAL = "provisional"
    CONFIRMED = "confirmed"
    VOID = "void"


class ApprovalLevel(StrEnum):
    """The highest level at which the record is vouched for."""

    NONE = "none"
    LEADER = "leader"
    SITE = "site"
    CENTRE = "centre"


class RevisionKind(StrEnum):
    """The cause of a revision."""

    CHECK_IN = "check_in"
    CHECK_OUT = "check_out"
    UPLOAD = "upload"
    IMPORT = "import"
    AUTO_CLOSE = "auto_close"
    CONFIRM = "confirm"
    CORRECT = "correct"
    VOID = "void"
    APPROVE = "approve"
    REJECT = "reject"
    DENY = "deny"
    RESTORE = "restore"
    OVERTIME = "overtime"
    ADD = "add"
    RESUME = "resume"
    SUSPECT = "suspect"


@dataclass(frozen=True, slots=True)
class AttendancePolicy:
    """Bounds of what counts as attendance."""

    early_check_in: timedelta = timedelta(minutes=60)
    """How long before a shift's start people may check in."""
    grace: timedelta = timedelta(minutes=30)
    """How long after a shift's end open records are closed automatically."""
    late_check_out: timedelta = timedelta(hours=4)
    """How long after a shift's end a check-out keeps its instant and still replaces the automatic one."""
    resumable: timedelta = timedelta(minutes=10)
    """How long after their check-out volunteers may go on with the same record."""
    most_overtime: timedelta = timedelta(hours=4)
    """Of approved overtime per volunteer and shift."""
    most_check_ins: int = 3
    """Per volunteer and shift."""
    longest: timedelta = timedelta(hours=16)
    """No record is longer."""
    skew: timedelta = timedelta(seconds=60)
    """How far into the future a device's time may lie after its measured skew was taken off."""


DEFAULT_POLICY = AttendancePolicy()


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """The whole state of one service record at one revision. ``distance_m`` is metres to the site.

    ``minutes`` are those that count: inside the shift, and the approved ``overtime_minutes`` after it. ``device_ref``
    is the registered device that uploaded it, or the phone of the last scan (`phone_ref`). ``linked_record_id``: the
    record to which this one adds forgotten time.
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
    status: RecordStatus
    started_at: datetime
    ended_at: datetime | None
    minutes: int
    planned_minutes: int
    recorded_by: UUID | None = None
    recorder_site_id: UUID | None = None
    device_ref: str | None = None
    approval_level: ApprovalLevel = ApprovalLevel.NONE
    distance_m: int | None = None
    overtime_minutes: int = 0
    linked_record_id: UUID | None = None

    @property
    def is_open(self) -> bool:
        """Checked in and not out."""
        return self.ended_at is None and self.status is not RecordStatus.VOID


@dataclass(frozen=True, slots=True)
class ServiceRevision:
    """A record as it stands now, and what made it so."""

    record: ServiceRecord
    change: RevisionKind
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

    @property
    def planned_late(self) -> bool:
        """The shift had begun before people could sign up for it, so it takes hours entered afterwards only."""
        published_at = self.shift.published_at
        return published_at is not None and published_at > self.shift.starts_at


@dataclass(frozen=True, slots=True)
class Arrival:
    """The state that a check-in or check-out is decided on, read under the volunteer's lock."""

    place: Place
    signed_up: bool
    here: Sequence[ServiceRecord]
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


def counted_minutes(started_at: datetime, ended_at: datetime, shift: Shift) -> int:
    """Whole minutes of the stay inside ``[starts_at, ends_at)`` of the shift; before and after it none count."""
    return minutes_between(max(started_at, shift.starts_at), min(ended_at, end_of(shift)))


def end_of(shift: Shift) -> datetime:
    """The shift's end, or when it was called off if that came before."""
    return shift.ends_at if shift.cancelled_at is None else min(shift.ends_at, shift.cancelled_at)


def overtime_minutes(started_at: datetime, ended_at: datetime, shift: Shift) -> int:
    """Whole minutes of the stay after the shift's end, which count once approved; none when it was called off."""
    return 0 if shift.cancelled_at is not None else minutes_between(max(started_at, shift.ends_at), ended_at)


def fault_of_times(started_at: datetime, ended_at: datetime, policy: AttendancePolicy, now: datetime) -> str | None:
    """The fault of the times of a past event; None if there is none."""
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
