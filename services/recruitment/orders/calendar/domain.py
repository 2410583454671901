"""Working days: Monday to Friday, except for named days. Pure; days are the district's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone

__all__ = ["DISTRICT", "WorkingCalendar"]

DISTRICT = timezone(timedelta(hours=8))
_SATURDAY = 5
_LONGEST_BREAK = 60


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """The exceptions: days off during the week, and weekend days that are worked."""

    exceptions: Mapping[date, bool] = field(default_factory=dict)

    def works(self, day: date) -> bool:
        """Whether the day is a working day."""
        return self.exceptions.get(day, day.weekday() < _SATURDAY)

    def add(self, at: datetime, days: int) -> datetime:
        """The same time of day, so many working days later.

        What begins on a day off begins with the next working day: from a Saturday, one working day ends as Monday ends.
        """
        local = at.astimezone(DISTRICT)
        day, clock = local.date(), local.timetz()
        if not self.works(day):
            day, clock = self._next(day), time(tzinfo=DISTRICT)
        for _ in range(days):
            day = self._next(day)
        return datetime.combine(day, clock).astimezone(at.tzinfo)

    def _next(self, day: date) -> date:
        for _ in range(_LONGEST_BREAK):
            day += timedelta(days=1)
            if self.works(day):
                return day
        return day
