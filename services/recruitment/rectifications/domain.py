"""Rectifications: a volunteer points out an error of a shift's record, the site corrects it or says why not. Pure.

A rectification changes no minute. What follows from it is a correction, an entry or a denial with rules of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal, Shift

__all__ = ["ASKABLE", "Rectification", "RectificationOutcome", "answer", "ask"]

ASKABLE = timedelta(days=90)
"""How long after a shift's end an error of its records is taken up."""


class RectificationOutcome(StrEnum):
    """The answer of the site: the record was put right, or stays as it is."""

    CORRECTED = "corrected"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Rectification:
    """A volunteer's request about a shift, and the site's answer once there is one."""

    rectification_id: UUID
    shift_id: UUID
    activity_id: UUID
    site_id: UUID
    volunteer_id: UUID
    volunteer_number: str
    title: str
    starts_at: datetime
    ends_at: datetime
    asked_at: datetime
    words: str | None = None
    outcome: RectificationOutcome | None = None
    answer: str | None = None
    answered_by: UUID | None = None
    answered_at: datetime | None = None


def ask(shift: Shift, *, waits: bool, now: datetime) -> DomainRefusal | None:
    """Why the volunteer cannot ask now; ``waits``: an earlier request about the shift is not answered yet."""
    if now < shift.starts_at:
        return DomainRefusal("shift-not-begun", "This shift has not begun, so there is nothing to put right.")
    if now >= shift.ends_at + ASKABLE:
        return DomainRefusal(
            "rectification-too-late",
            f"Errors are taken up for {ASKABLE.days} days after the shift; ask the centre.",
        )
    if waits:
        return DomainRefusal("rectification-open", "An earlier request about this shift is not answered yet.")
    return None


def answer(asked: Rectification, volunteer_id: UUID | None) -> DomainRefusal | None:
    """Why the account cannot answer; ``volunteer_id`` is the volunteer that its holder is too."""
    if asked.volunteer_id == volunteer_id:
        return DomainRefusal("own-record", "Another member of staff answers requests of your own.", 403)
    if asked.answered_at is not None:
        return DomainRefusal("rectification-answered", "This request was answered already.")
    return None
