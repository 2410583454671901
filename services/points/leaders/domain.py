"""Periods of the leaders' board. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

__all__ = ["BoardPeriod", "Leader", "span"]


class BoardPeriod(StrEnum):
    """The period of the board: the calendar week (from Monday), month or year."""

    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Leader:
    """A line of the board: confirmed minutes of service that a scan, a kiosk or a leader recorded."""

    rank: int
    volunteer_number: str
    minutes: int
    records: int


def span(period: BoardPeriod, day: date) -> tuple[date, date]:
    """First and last day of the period that the day lies in."""
    if period is BoardPeriod.WEEK:
        first = day - timedelta(days=day.weekday())
        return first, first + timedelta(days=6)
    if period is BoardPeriod.MONTH:
        first = day.replace(day=1)
        return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return day.replace(month=1, day=1), day.replace(month=12, day=31)
