"""Integrity: cases about what looks like fraud."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.base import Contract, Instant

__all__ = ["CaseFlagsDecided", "CaseKind", "CaseOpened", "CaseSettled"]

CaseKind = Literal[
    "two-sites",
    "burst",
    "no-check-in",
    "many-accounts",
    "long-day",
    "recorder-hours",
    "denials",
    "one-time-referrals",
    "mutual-approvals",
    "filled-at-once",
    "never-signed-up",
    "shared-pickups",
    "idle-drives",
]
SubjectKind = Literal["volunteer", "recorder", "device", "pair", "shift", "drive"]
Subject = Annotated[str, Field(max_length=200)]


class CaseOpened(Contract):
    """Something looks like fraud; a person will decide.

    ``subject`` is an id: the volunteer's, the recorder's, the device's, the shift's or the drive's; of a pair of
    accounts both, joined by ``|``. ``measured`` and ``limit`` are in ``unit``; ``record_ids`` are those of the moment,
    more may join while the case is open. Where a case is about people and not about records, there are none.
    """

    topic: ClassVar[str] = "integrity"
    type: ClassVar[str] = "volunteering.integrity.case-opened.v1"
    key: ClassVar[str] = "subject"
    aggregate: ClassVar[str] = "case_id"

    case_id: UUID
    kind: CaseKind
    subject_kind: SubjectKind
    subject: Subject
    record_ids: tuple[UUID, ...]
    site_ids: tuple[UUID, ...] = ()
    day: date
    measured: Annotated[int, Field(ge=0)]
    limit: Annotated[int, Field(ge=0)]
    unit: Literal["minutes", "records", "people"]
    thresholds_version: str
    opened_at: Instant


class CaseSettled(Contract):
    """A person decided: there was nothing to it, or it was fraud.

    ``record_ids`` are the records that the decision is about: those of a confirmed case wait for another site.
    """

    topic: ClassVar[str] = "integrity"
    type: ClassVar[str] = "volunteering.integrity.case-settled.v1"
    key: ClassVar[str] = "subject"
    aggregate: ClassVar[str] = "case_id"

    case_id: UUID
    kind: CaseKind
    subject_kind: SubjectKind
    subject: Subject
    outcome: Literal["cleared", "confirmed"]
    settled_at: Instant
    settled_by: UUID | None = None
    record_ids: tuple[UUID, ...] = ()


class CaseFlagsDecided(Contract):
    """A person decided about flags of a confirmed case whose records another site did not void.

    ``cleared``: the records are worth points again; ``kept``: the case holds against them.
    """

    topic: ClassVar[str] = "integrity"
    type: ClassVar[str] = "volunteering.integrity.flags-decided.v1"
    key: ClassVar[str] = "subject"
    aggregate: ClassVar[str] = "case_id"

    case_id: UUID
    kind: CaseKind
    subject_kind: SubjectKind
    subject: Subject
    outcome: Literal["kept", "cleared"]
    record_ids: tuple[UUID, ...]
    decided_by: UUID
    decided_at: Instant
