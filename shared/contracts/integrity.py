"""Integrity: cases about what looks like fraud, and the acts that are counted by recorder and by device."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.attendance import Provenance
from shared.contracts.base import Contract, Instant

__all__ = ["ActSeen", "CaseKind", "CaseOpened", "CaseSettled"]

CaseKind = Literal["two-sites", "burst", "no-check-in", "many-accounts", "long-day"]
SubjectKind = Literal["volunteer", "recorder", "device"]
Subject = Annotated[str, Field(max_length=200)]


class CaseOpened(Contract):
    """Something looks like fraud; a person will decide.

    ``subject`` is the volunteer's, the recorder's or the device's id. ``measured`` and ``limit`` are in ``unit``;
    ``record_ids`` are those of the moment, more may join while the case is open.
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
    """A person decided: there was nothing to it, or it was fraud."""

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


class ActSeen(Contract):
    """A record was entered; published by recorder or device so that several processes of points share the work.

    ``place`` is the kind, the class of device and the id of the recorder or device; ``at`` says into which windows it
    falls.
    """

    topic: ClassVar[str] = "integrity-acts"
    type: ClassVar[str] = "volunteering.integrity.act-seen.v1"
    key: ClassVar[str] = "place"
    aggregate: ClassVar[str] = "record_id"

    place: Annotated[str, Field(max_length=300)]
    kind: Literal["burst", "many-accounts"]
    subject: Subject
    provenance: Provenance
    record_id: UUID
    volunteer_id: UUID
    site_id: UUID | None = None
    at: Instant
