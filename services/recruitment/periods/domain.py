"""Periods that figures are about: half-open intervals of business time. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.recruitment.activities.domain import DomainRefusal

__all__ = ["LONGEST_PERIOD", "ReportPeriod", "period_of"]

LONGEST_PERIOD = timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """A half-open interval of business time."""

    start: datetime
    end: datetime


def period_of(
    start: datetime | None, end: datetime | None, year_start: datetime, now: datetime
) -> ReportPeriod | DomainRefusal:
    """The period asked for; without bounds, the calendar year so far."""
    period = ReportPeriod(start or year_start, end or now)
    if period.end <= period.start:
        return DomainRefusal("period-reversed", "`to` must come after `from`.", 422)
    if period.end - period.start > LONGEST_PERIOD:
        return DomainRefusal("period-too-long", f"A period has at most {LONGEST_PERIOD.days} days.", 422)
    return period
