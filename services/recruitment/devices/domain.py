"""Uploads of devices that were off line: each row accepted, recognised as a duplicate, or refused with a reason. Pure.

A volunteer who came without a sign-up is recorded all the same: attendance is a fact, and a shift's capacity is a
promise made before it. While the shift has a free place the walk-in takes it, as bookkeeping; it is not published:
a notice of a sign-up for something that is over is noise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.recruitment.activities.domain import State, overlaps
from services.recruitment.approvals.domain import Assertion, KnownSince, Reason, RecruitingDrive, reasons_to_wait
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
)
from services.recruitment.volunteers.domain import parse_volunteer_number

__all__ = [
    "AcceptedUpload",
    "Context",
    "Duplicate",
    "Outcome",
    "Person",
    "RefusedRow",
    "Upload",
    "UploadedBefore",
    "decide",
]

PROMPT = timedelta(hours=72)
"""How long after a shift's end an upload counts like one on the day."""
LATE = timedelta(days=30)
"""How long after a shift's end an upload may keep its provenance, if none of the device's uploads is missing."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One row as the device sent it: its own times, before any skew is taken off."""

    index: int
    upload_id: str
    volunteer_number: str
    shift_id: UUID
    started_at: datetime
    ended_at: datetime

    def content_hash(self, provenance: Provenance) -> bytes:
        """Hash the contents of the row. The skew is not part of it: a repeated upload may measure another one."""
        parts = (
            provenance.value,
            self.volunteer_number,
            str(self.shift_id),
            self.started_at.astimezone(UTC).isoformat(),
            self.ended_at.astimezone(UTC).isoformat(),
        )
        return hashlib.sha256("|".join(parts).encode()).digest()


@dataclass(frozen=True, slots=True)
class Person:
    """The volunteer of a number, registered ``since`` then; ``drive`` when a drive recruited them."""

    volunteer_id: UUID
    drive_id: UUID | None
    since: datetime
    drive: RecruitingDrive | None = None


@dataclass(frozen=True, slots=True)
class UploadedBefore:
    """An earlier upload of the device under the same upload id."""

    content_hash: bytes
    record_id: UUID


@dataclass(slots=True)
class Context:
    """The state that a batch is decided on, read under the locks of its device, volunteers and shifts.

    ``busy``, ``signed``, ``free`` and ``known`` include what the batch itself adds, row by row.
    """

    device_id: UUID
    device_site_id: UUID
    device_since: datetime
    device_sites: frozenset[UUID]
    """The device's site and everything under it."""
    provenance: Provenance
    recorded_by: UUID
    recorder_volunteer_id: UUID | None
    owner_volunteer_id: UUID | None
    """The volunteer who registered the device, as a member of staff."""
    teams: frozenset[UUID] | None
    """The teams that a leader may record for; None for staff."""
    people: Mapping[str, Person]
    places: Mapping[UUID, Place]
    record_ids: Mapping[int, UUID]
    """Row index → the id that its record gets."""
    in_order: bool = False
    """The batch has the number that follows the device's last upload."""
    gap_at: datetime | None = None
    """When an upload of the device was last found missing."""
    busy: dict[UUID, list[Busy]] = field(default_factory=dict)
    signed: set[tuple[UUID, UUID]] = field(default_factory=set)
    free: dict[UUID, int] = field(default_factory=dict)
    known: dict[str, UploadedBefore] = field(default_factory=dict)
    disputed: Mapping[UUID, Sequence[tuple[datetime, datetime]]] = field(default_factory=dict)
    """Times that a volunteer denied or another site rejected: they do not count at once under another upload."""


@dataclass(frozen=True, slots=True)
class AcceptedUpload:
    """A new record. ``takes_place``: a walk-in gets a sign-up; ``reasons``: why the record waits for another site."""

    upload: Upload
    revision: ServiceRevision
    content_hash: bytes
    takes_place: bool
    reasons: tuple[Reason, ...] = ()

    @property
    def assertion(self) -> Assertion | None:
        """The assertion that counts at once; None when the row waits."""
        record = self.revision.record
        if self.reasons:
            return None
        return Assertion(record.record_id, "upload", record.volunteer_id, record.minutes, record.started_at)

    def above_cap(self) -> AcceptedUpload:
        """The row when its account has asserted too much already: it waits."""
        record = replace(self.revision.record, status=RecordStatus.PROVISIONAL)
        return replace(self, revision=replace(self.revision, record=record), reasons=(Reason.CAP,))


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The same row again."""

    upload: Upload
    record_id: UUID


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """Why the row was not taken."""

    upload: Upload
    detail: str


Outcome = AcceptedUpload | Duplicate | RefusedRow


def decide(
    uploads: Sequence[Upload],
    skewed: Mapping[int, tuple[datetime, datetime]],
    context: Context,
    policy: AttendancePolicy,
    now: datetime,
) -> list[Outcome]:
    """One outcome per row, in order; ``skewed`` holds each row's times on the server's clock."""
    return [_row(upload, *skewed[upload.index], context, policy, now) for upload in uploads]


def _row(
    upload: Upload, started_at: datetime, ended_at: datetime, context: Context, policy: AttendancePolicy, now: datetime
) -> Outcome:
    content_hash = upload.content_hash(context.provenance)
    if (known := context.known.get(upload.upload_id)) is not None:
        if known.content_hash == content_hash:
            return Duplicate(upload, known.record_id)
        return RefusedRow(upload, f"upload_id {upload.upload_id} was used before for other content.")
    person = context.people.get(upload.volunteer_number)
    if person is None:
        return RefusedRow(upload, _unknown_number(upload.volunteer_number))
    place = context.places.get(upload.shift_id)
    if place is None:
        return RefusedRow(upload, f"There is no shift {upload.shift_id}.")
    detail = _not_allowed(person, place, context) or _fault_of_times(started_at, ended_at, place, policy, now)
    if detail is None:
        detail = _conflict(person, place, started_at, ended_at, context, policy)
    if detail is not None:
        return RefusedRow(upload, detail)
    standing = _standing(person, place, (started_at, ended_at), context, now)
    return _accept(upload, (started_at, ended_at), content_hash, person, place, standing, context)


def _standing(
    person: Person, place: Place, times: tuple[datetime, datetime], context: Context, now: datetime
) -> tuple[Provenance, list[Reason]]:
    """The provenance that the server accepts for the batch's claim, and why the row waits for another site."""
    entered = (Provenance.BACKFILLED, [Reason.BACKFILLED])
    shift = place.shift
    if context.provenance is Provenance.BACKFILLED or place.planned_late:
        return entered
    known = KnownSince(person.since, context.device_since, context.device_sites, person.drive)
    reasons = reasons_to_wait(place, known)
    if any(overlaps(*times, *denied) for denied in context.disputed.get(person.volunteer_id, ())):
        reasons.append(Reason.DENIED)
    if now <= shift.ends_at + PROMPT:
        return context.provenance, reasons
    unbroken = context.in_order and (context.gap_at is None or context.gap_at < shift.starts_at)
    if now <= shift.ends_at + LATE and unbroken:
        return context.provenance, [*reasons, Reason.LATE_UPLOAD]
    return entered


def _unknown_number(number: str) -> str:
    try:
        return f"There is no volunteer {parse_volunteer_number(number)}."
    except ValueError as error:
        return f"There is no volunteer {number}: {error}."


def _not_allowed(person: Person, place: Place, context: Context) -> str | None:
    if person.volunteer_id == context.recorder_volunteer_id:
        return "Recorders cannot record hours of their own; another member of staff can."
    if context.provenance is Provenance.LEADER and person.volunteer_id == context.owner_volunteer_id:
        return "A roll-call cannot name the volunteer who registered its device; another device can."
    if place.site_id not in context.device_sites:
        return "The shift is at a site that this device does not belong to."
    if context.teams is not None and place.team_id not in context.teams:
        return "The shift is one of a team that you do not lead."
    if (cancelled_at := place.shift.cancelled_at) is not None and cancelled_at <= place.shift.starts_at:
        return "The shift was called off before it began."
    if place.activity_state is State.PLANNED:
        return "The activity was never opened."
    return None


def _fault_of_times(
    started_at: datetime, ended_at: datetime, place: Place, policy: AttendancePolicy, now: datetime
) -> str | None:
    shift = place.shift
    if ended_at <= started_at:
        return "ended_at must come after started_at."
    if ended_at > now + policy.skew:
        return "ended_at lies in the future, after the measured skew was taken off."
    if ended_at - started_at > policy.longest:
        return f"The record is longer than {policy.longest.total_seconds() / 3600:g} hours."
    if started_at < shift.starts_at - policy.early_check_in or started_at >= shift.ends_at:
        return "started_at lies outside of the shift."
    if ended_at > shift.ends_at + policy.late_check_out:
        return "ended_at lies too long after the shift's end."
    return None


def _conflict(
    person: Person, place: Place, started_at: datetime, ended_at: datetime, context: Context, policy: AttendancePolicy
) -> str | None:
    busy = context.busy.get(person.volunteer_id, [])
    if (other := clash(started_at, ended_at, busy)) is not None:
        what = "an open record" if other.is_open else "another record"
        return f"The times overlap {what} of this volunteer ({other.record_id})."
    if sum(1 for other in busy if other.shift_id == place.shift.shift_id) >= policy.most_check_ins:
        return f"This volunteer has {policy.most_check_ins} records of this shift already."
    return None


def _accept(
    upload: Upload,
    times: tuple[datetime, datetime],
    content_hash: bytes,
    person: Person,
    place: Place,
    standing: tuple[Provenance, list[Reason]],
    context: Context,
) -> AcceptedUpload:
    provenance, reasons = standing
    waits = bool(reasons)
    record = _record(context.record_ids[upload.index], person, place, times, provenance, waits, context)
    key = (person.volunteer_id, place.shift.shift_id)
    takes_place = key not in context.signed and context.free.get(place.shift.shift_id, 0) > 0
    if takes_place:
        context.signed.add(key)
        context.free[place.shift.shift_id] -= 1
    context.busy.setdefault(person.volunteer_id, []).append(
        Busy(record.record_id, record.shift_id, *times, is_open=False)
    )
    context.known[upload.upload_id] = UploadedBefore(content_hash, record.record_id)
    revision = ServiceRevision(record, RevisionKind.UPLOAD, context.recorded_by)
    return AcceptedUpload(upload, revision, content_hash, takes_place, tuple(reasons))


_CLOSED_BY = {Provenance.KIOSK: ClosedBy.SELF, Provenance.LEADER: ClosedBy.STAFF, Provenance.BACKFILLED: ClosedBy.STAFF}
_APPROVAL = {Provenance.LEADER: ApprovalLevel.LEADER}


def _record(
    record_id: UUID,
    person: Person,
    place: Place,
    times: tuple[datetime, datetime],
    provenance: Provenance,
    waits: bool,
    context: Context,
) -> ServiceRecord:
    started_at, ended_at = times
    return ServiceRecord(
        record_id=record_id,
        revision=1,
        volunteer_id=person.volunteer_id,
        activity_id=place.shift.activity_id,
        shift_id=place.shift.shift_id,
        site_id=place.site_id,
        team_id=place.team_id,
        drive_id=person.drive_id,
        theme=place.theme,
        kind=place.kind,
        provenance=provenance,
        closed_by=_CLOSED_BY[provenance],
        status=RecordStatus.PROVISIONAL if waits else RecordStatus.CONFIRMED,
        started_at=started_at,
        ended_at=ended_at,
        minutes=counted_minutes(started_at, ended_at, place.shift),
        planned_minutes=place.shift.planned_minutes,
        recorded_by=context.recorded_by,
        recorder_site_id=context.device_site_id,
        device_ref=str(context.device_id),
        approval_level=_APPROVAL.get(provenance, ApprovalLevel.NONE),
    )
