"""Records of a confirmed case of integrity: each waits for another site, which confirms or voids it. Pure."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from services.recruitment.attendance.domain import RecordStatus, RevisionKind, ServiceRecord, ServiceRevision

__all__ = ["suspect"]


def suspect(record: ServiceRecord, case_id: UUID) -> ServiceRevision | None:
    """The record as provisional; None if it counts for nothing already, or has not ended."""
    if record.status is not RecordStatus.CONFIRMED or record.is_open:
        return None
    waiting = replace(record, revision=record.revision + 1, status=RecordStatus.PROVISIONAL)
    return ServiceRevision(waiting, RevisionKind.SUSPECT, None, f"case {case_id}")
