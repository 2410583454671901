"""Rates of topics: the minutes of the last hour, also those in which nothing came. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

__all__ = ["MINUTES", "minutes_until", "series"]

MINUTES = 60
_MINUTE = timedelta(minutes=1)


def minutes_until(now: datetime) -> list[datetime]:
    """The beginnings of the last `MINUTES` minutes, the present one last."""
    present = now.replace(second=0, microsecond=0)
    return [present - _MINUTE * back for back in reversed(range(MINUTES))]


def series(minutes: Sequence[datetime], counts: Mapping[datetime, int]) -> list[int]:
    """The count of each minute, 0 where there is none."""
    return [counts.get(minute, 0) for minute in minutes]
