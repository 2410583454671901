"""Real time and the district's calendar.

Business time (service times, expiry, windows) is ``Tx.now()``, which demo and tests may drive; real time is for leases,
tokens and latency only.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

__all__ = ["DISTRICT_ZONE", "district_day", "real_now"]

DISTRICT_ZONE = ZoneInfo("Asia/Shanghai")
_OFFSET = timedelta(hours=8)
_SETTLED_YEARS = range(1992, 9999)
"""The zone's clocks have not been changed since September 1991."""


def real_now() -> datetime:
    """The machine's clock, in UTC; never driven."""
    return datetime.now(UTC)


def district_day(at: datetime) -> date:
    """The calendar day in the district's zone on which the instant lies."""
    if at.tzinfo is UTC and at.year in _SETTLED_YEARS:  # a sixth of the time of what holds for any instant
        return (at + _OFFSET).date()
    return at.astimezone(DISTRICT_ZONE).date()
