"""Answers about automatic closes: who may give which, and what they say. Pure.

An answer is a statement: it counts no minute. The site confirms, shortens or voids the record, and sees the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal
from services.recruitment.attendance.domain import ClosedBy, RecordStatus, ServiceRecord

__all__ = ["ClosingAnswer", "WhenLeft", "answer"]


class WhenLeft(StrEnum):
    """The volunteer stayed until the end, left at some time, or was not there."""

    STAYED = "stayed"
    LEFT = "left"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class ClosingAnswer:
    """The volunteer's answer about a revision of a record; ``left_at`` for `WhenLeft.LEFT` only."""

    record_id: UUID
    revision: int
    answer: WhenLeft
    left_at: datetime | None
    answered_at: datetime


def answer(
    record: ServiceRecord, volunteer_id: UUID, said: WhenLeft, left_at: datetime | None, now: datetime
) -> ClosingAnswer | DomainRefusal:
    """The answer, or why there is none to give."""
    if record.volunteer_id != volunteer_id:
        return DomainRefusal("not-your-record", "Only the volunteer whom a record is about can answer.", 403)
    if record.status is not RecordStatus.PROVISIONAL or record.closed_by is not ClosedBy.AUTO:
        return DomainRefusal(
            "nothing-to-answer",
            "This record does not wait for an answer: it was not closed automatically, or is decided.",
        )
    if (said is WhenLeft.LEFT) != (left_at is not None):
        return DomainRefusal("time-missing", "Give left_at with the answer `left`, and with no other.", 422)
    if left_at is not None and not (record.started_at < left_at and (record.ended_at or left_at) >= left_at):
        return DomainRefusal(
            "left-outside",
            "left_at lies after the check-in and not after the end of the record.",
            422,
            extra={"started_at": record.started_at.isoformat()},
        )
    return ClosingAnswer(record.record_id, record.revision, said, left_at, now)
