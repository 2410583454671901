"""Attendance: the whole state of one service record at one revision."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.base import Contract, Instant

__all__ = [
    "ApprovalLevel",
    "AssertionAct",
    "AssertionNoted",
    "AttendanceRecorded",
    "ClosedBy",
    "Provenance",
    "RecordStatus",
]

Provenance = Literal["scanned", "kiosk", "leader", "backfilled", "imported"]
ClosedBy = Literal["self", "staff", "auto", "correction"]
RecordStatus = Literal["provisional", "confirmed", "void"]
ApprovalLevel = Literal["none", "leader", "site", "centre"]
AssertionAct = Literal[
    "recorded",
    "confirmed",
    "overtime",
    "added",
    "corrected",
    "voided",
    "restored",
    "denied",
    "approved",
    "rejected",
    "lapsed",
    "auto-closed",
]


class AttendanceRecorded(Contract):
    """A service record as it stands at this revision; a higher revision replaces it whole.

    ``minutes`` and ``planned_minutes`` are whole minutes; ``distance_m`` is metres to the site, in place of a position.
    An open record is provisional without ``ended_at`` and counts no minutes. Imported prior hours have neither
    activity nor shift. ``device_ref`` is the id of the registered device that uploaded the record, or ``phone:`` and
    the random id of the browser with which the volunteer checked in, or, once they have, out; it says nothing of whom
    it belongs to.
    """

    topic: ClassVar[str] = "attendance"
    type: ClassVar[str] = "volunteering.attendance.recorded.v1"
    key: ClassVar[str] = "volunteer_id"
    aggregate: ClassVar[str] = "record_id"

    record_id: UUID
    revision: Annotated[int, Field(ge=1, le=1_000_000)]
    volunteer_id: UUID
    activity_id: UUID | None = None
    shift_id: UUID | None = None
    site_id: UUID | None = None
    team_id: UUID | None = None
    drive_id: UUID | None = None
    theme: Annotated[str, Field(max_length=200)]
    kind: Annotated[str, Field(max_length=100)]
    provenance: Provenance
    closed_by: ClosedBy | None = None
    status: RecordStatus
    started_at: Instant
    ended_at: Instant | None = None
    minutes: Annotated[int, Field(ge=0, le=60_000_000)]
    planned_minutes: Annotated[int, Field(ge=0, le=60_000_000)] = 0
    recorded_by: UUID | None = None
    recorder_site_id: UUID | None = None
    device_ref: Annotated[str, Field(max_length=200)] | None = None
    approval_level: ApprovalLevel = "none"
    distance_m: Annotated[int, Field(ge=0)] | None = None


class AssertionNoted(Contract):
    """Another account asserted, changed or decided something about a volunteer's record; the volunteer is notified.

    ``minutes`` are those of the record as it stands, ``overtime_minutes`` those that this act is about. ``waits_for``
    holds the codes of what another site must decide before they count. Until ``deniable_until`` the volunteer may deny
    the record. ``act`` ``denied`` is the volunteer's own. ``decided_by`` is the account of another site that decided.
    ``staff_ids``: of the site's staff who are notified too, at most 50; of several records of a shift, the first names
    them.
    """

    topic: ClassVar[str] = "assertions"
    type: ClassVar[str] = "volunteering.assertions.noted.v1"
    key: ClassVar[str] = "volunteer_id"
    aggregate: ClassVar[str] = "record_id"

    record_id: UUID
    revision: Annotated[int, Field(ge=1, le=1_000_000)]
    volunteer_id: UUID
    act: AssertionAct
    activity_id: UUID | None = None
    site_id: UUID | None = None
    provenance: Provenance
    status: RecordStatus
    minutes: Annotated[int, Field(ge=0, le=60_000_000)]
    overtime_minutes: Annotated[int, Field(ge=0, le=60_000_000)] = 0
    waits_for: tuple[Annotated[str, Field(max_length=50)], ...] = ()
    recorded_by: UUID | None = None
    recorder_site_id: UUID | None = None
    started_at: Instant
    deniable_until: Instant | None = None
    decided_by: UUID | None = None
    staff_ids: Annotated[tuple[UUID, ...], Field(max_length=50)] = ()
