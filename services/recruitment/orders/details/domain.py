"""When those who serve may read the details of an order. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

__all__ = ["AFTER", "BEFORE", "Assignment", "closes_at", "may_read", "opens_at"]

BEFORE, AFTER = timedelta(hours=24), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A team's term with an order, and the shift that it planned; ``ended_at`` is None while it has the order."""

    team_id: UUID
    shift_id: UUID
    starts_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None


def opens_at(term: Assignment) -> datetime:
    """When its people may begin to read."""
    return term.starts_at - BEFORE


def closes_at(term: Assignment) -> datetime:
    """When they may no longer: a week after the service, or after the order was taken from them."""
    return (term.ended_at or term.ends_at) + AFTER


def may_read(term: Assignment, now: datetime) -> bool:
    """Whether its people may read now; never where the term ended before they could."""
    if term.ended_at is not None and term.ended_at < opens_at(term):
        return False
    return opens_at(term) <= now < closes_at(term)
