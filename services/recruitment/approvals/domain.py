"""Which evidence counts at once, what waits for another site, and who that other site is. Pure.

Evidence is strong (the volunteer's own session with the rotating code, both ways), asserted (an account vouches for it:
a device's row, a roll-call, a confirmed automatic close, approved overtime), entered (afterwards, by hand) or the
registry's. Strong evidence counts at once; asserted evidence counts up to the caps of its account, unless there is a
reason to wait; entered evidence always waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal
from services.recruitment.attendance.domain import (
    ApprovalLevel,
    Place,
    Provenance,
    RecordStatus,
    RevisionKind,
    ServiceRecord,
    ServiceRevision,
)

__all__ = [
    "LIFE",
    "NOTICE",
    "Assertion",
    "AssertionCaps",
    "Decider",
    "Decision",
    "KnownSince",
    "PendingApproval",
    "Reason",
    "RecruitingDrive",
    "Spent",
    "decide",
    "deny",
    "found_drive",
    "may_decide",
    "reasons_to_wait",
]

NOTICE = timedelta(hours=24)
"""How long before a shift's start its device, its publication and the volunteer's registration must lie."""
LIFE = timedelta(days=30)
"""The age at which an undecided approval lapses."""
SENIORITY = timedelta(days=7)
"""How much older than a record or proposal an account must be to decide on it, as in `Caller.require_second_person`."""
DENIABLE = timedelta(days=14)
"""How long a volunteer may deny what another account asserted or changed."""


class Reason(StrEnum):
    """Why a record waits for another site."""

    DEVICE_NEW = "device-new"
    SHIFT_LATE = "shift-late"
    VOLUNTEER_NEW = "volunteer-new"
    DRIVE = "drive"
    CAP = "cap"
    LATE_UPLOAD = "late-upload"
    BACKFILLED = "backfilled"
    RESTORED = "restored"
    DENIED = "denied"
    SUSPECTED = "suspected"


class Decision(StrEnum):
    """The decisions of another site."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class AssertionCaps:
    """Minutes that one account can assert for one day of service without another site."""

    per_volunteer: int = 8 * 60
    in_all: int = 200 * 60


@dataclass(frozen=True, slots=True)
class Spent:
    """Minutes that an account has asserted for one day: for each volunteer, and in all."""

    by_volunteer: Mapping[UUID, int]
    in_all: int

    def fits(self, volunteer_id: UUID, minutes: int, caps: AssertionCaps) -> bool:
        """Whether so many minutes more stay within both caps."""
        own = self.by_volunteer.get(volunteer_id, 0)
        return own + minutes <= caps.per_volunteer and self.in_all + minutes <= caps.in_all

    def adding(self, volunteer_id: UUID, minutes: int) -> Spent:
        """The sums after a further assertion."""
        own = self.by_volunteer.get(volunteer_id, 0) + minutes
        return Spent({**self.by_volunteer, volunteer_id: own}, self.in_all + minutes)


@dataclass(frozen=True, slots=True)
class Assertion:
    """Minutes that an account vouches for, and that count at once; ``kind``: upload, roll-call, confirm, overtime."""

    record_id: UUID
    kind: str
    volunteer_id: UUID
    minutes: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class RecruitingDrive:
    """The drive that recruited a volunteer, and the site that holds it."""

    site_id: UUID
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class KnownSince:
    """Since when the volunteer and the device are known; ``drive`` when a drive recruited the volunteer."""

    volunteer_since: datetime
    device_since: datetime | None = None
    device_sites: frozenset[UUID] = frozenset()
    drive: RecruitingDrive | None = None


@dataclass(frozen=True, slots=True)
class PendingApproval:
    """A pending approval: the accounts that had a hand in it with their sites, the volunteer, the activity's site."""

    volunteer_id: UUID
    claimant_ids: frozenset[UUID]
    claimant_persons: frozenset[UUID]
    """The volunteers that the claimants are too, and the persons behind their accounts."""
    claimant_sites: frozenset[UUID]
    site_id: UUID | None
    first_recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Decider:
    """An account that wants to decide. ``home`` is its site, the centre's own for the centre's staff."""

    subject: UUID
    person_id: UUID
    volunteer_id: UUID | None
    since: datetime | None
    """When it was created; None for accounts made at installation, which have no age."""
    home: UUID
    home_kind: str
    above: frozenset[UUID]
    """The sites above its home, up to the centre."""
    below: frozenset[UUID]
    """Its home and every site under it."""
    centre: UUID
    makers: frozenset[UUID] = frozenset()
    """The accounts that created it, activated it or reset its password."""

    @property
    def persons(self) -> frozenset[UUID]:
        """All ids of the person behind the account."""
        own = {self.subject, self.person_id}
        return frozenset(own if self.volunteer_id is None else own | {self.volunteer_id})


def reasons_to_wait(place: Place, known: KnownSince) -> list[Reason]:
    """Why asserted time at this place waits for another site, before any cap; empty when it counts at once."""
    limit = place.shift.starts_at - NOTICE
    reasons = []
    if known.device_since is not None and known.device_since > limit:
        reasons.append(Reason.DEVICE_NEW)
    if place.shift.published_at is None or place.shift.published_at > limit:
        reasons.append(Reason.SHIFT_LATE)
    if known.volunteer_since > limit:
        reasons.append(Reason.DRIVE if found_drive(place, known) else Reason.VOLUNTEER_NEW)
    return reasons


def found_drive(place: Place, known: KnownSince) -> bool:
    """Whether a drive's own device recorded a person whom that drive recruited while it lasted."""
    drive = known.drive
    return (
        drive is not None
        and drive.site_id in known.device_sites
        and drive.starts_at <= known.volunteer_since < drive.ends_at
        and drive.starts_at < place.shift.ends_at
        and place.shift.starts_at < drive.ends_at
    )


def may_decide(decider: Decider, claim: PendingApproval) -> DomainRefusal | None:
    """Why the account may not decide on a claim; None when it is another site's."""
    if decider.volunteer_id == claim.volunteer_id:
        return DomainRefusal(
            "own-record", "Volunteers cannot decide on their own records; another site's staff can.", 403
        )
    if decider.persons & (claim.claimant_ids | claim.claimant_persons):
        return _another("You had a hand in this record yourself.")
    if decider.makers & claim.claimant_ids:
        return _another("Your account was created, activated or reset by an account that recorded these hours.")
    if decider.since is not None and decider.since > claim.first_recorded_at - SENIORITY:
        return _another(f"Your account is less than {SENIORITY.days} days older than this record.")
    if decider.home in claim.claimant_sites:
        return _another("These hours were recorded by your own site.")
    if decider.above & (claim.claimant_sites - {decider.centre}):
        return _another("Your site is subordinate to the site that recorded these hours.")
    if decider.centre in claim.claimant_sites and not _concerned(decider, claim):
        return _another("Hours that the centre recorded are decided by an institute that the activity concerns.")
    return None


def _concerned(decider: Decider, claim: PendingApproval) -> bool:
    if decider.home_kind != "institute":
        return False
    return claim.site_id in decider.below or claim.site_id in (None, decider.centre)


def _another(why: str) -> DomainRefusal:
    return DomainRefusal(
        "another-site-needed", f"{why} Staff of another site decide; the centre does where no other can.", 403
    )


def decide(
    record: ServiceRecord, overtime: int, decision: Decision, decider: UUID, level: ApprovalLevel, reason: str
) -> ServiceRevision | None:
    """The record after a decision; ``overtime`` are the minutes that an approval adds to one that stands.

    None: rejected overtime changes nothing.
    """
    later = replace(record, revision=record.revision + 1, approval_level=level)
    if decision is Decision.APPROVE:
        if overtime:
            added = replace(
                later, minutes=record.minutes + overtime, overtime_minutes=record.overtime_minutes + overtime
            )
            return ServiceRevision(added, RevisionKind.OVERTIME, decider, reason)
        return ServiceRevision(replace(later, status=RecordStatus.CONFIRMED), RevisionKind.APPROVE, decider, reason)
    if overtime:
        return None
    return ServiceRevision(replace(later, status=RecordStatus.VOID), RevisionKind.REJECT, decider, reason)


def deny(
    record: ServiceRecord, volunteer_id: UUID, asserted_at: datetime | None, reason: str, now: datetime
) -> ServiceRevision | DomainRefusal:
    """The volunteer says that a record is not true; ``asserted_at`` is when another account last had a hand in it."""
    if record.volunteer_id != volunteer_id:
        return DomainRefusal("not-your-record", "Only the volunteer whom a record is about can deny it.", 403)
    if record.status is RecordStatus.VOID:
        return DomainRefusal("record-void", "This record is void already and counts for nothing.")
    if record.is_open:
        return DomainRefusal(
            "record-open", "This record is still open: check out first, then deny what is wrong about it."
        )
    if asserted_at is None or record.provenance is Provenance.IMPORTED:
        return DomainRefusal(
            "nothing-to-deny", "No other account asserted or changed this record; ask the site to correct it."
        )
    if now >= asserted_at + DENIABLE:
        return DomainRefusal(
            "denial-too-late",
            f"A record can be denied for {DENIABLE.days} days after it was recorded; ask the site to correct it.",
            extra={"until": (asserted_at + DENIABLE).isoformat()},
        )
    denied = replace(record, revision=record.revision + 1, status=RecordStatus.PROVISIONAL)
    return ServiceRevision(denied, RevisionKind.DENY, volunteer_id, reason)
