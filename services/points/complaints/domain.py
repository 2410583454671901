"""Complaints, as people read them. Pure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

__all__ = ["Complaint"]


@dataclass(frozen=True, slots=True)
class Complaint:
    """About one record, or about everybody's records of an activity; exactly one of the two is named."""

    complaint_id: UUID
    activity_id: UUID | None
    record_id: UUID | None
    reason: str
    recorded_by: UUID
    recorded_at: datetime
    withdrawn_by: UUID | None = None
    withdrawn_at: datetime | None = None
    withdrawn_reason: str | None = None
