"""Real time and the district's calendar.

Business time (service times, expiry, windows) is ``Tx.now()``, which demo and tests may drive; real time is for leases,
tokens and latency only.
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

__all__ = ["DISTRICT_ZONE", "district_day", "real_now"]

DISTRICT_ZONE = ZoneInfo("Asia/Shanghai")


def real_now() -> datetime:
    """The machine's clock, in UTC; never driven."""
    return datetime.now(UTC)


def district_day(at: datetime) -> date:
    """The calendar day in the district's zone on which the instant lies."""
    return at.astimezone(DISTRICT_ZONE).date()
