"""Real time and the district's calendar.

Business time (service times, expiry, windows) is ``Tx.now()``, which demo and tests may drive; real time is for leases,
tokens and latency only.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

__all__ = ["DISTRICT_ZONE", "district_day", "real_now", "stored_instant"]

DISTRICT_ZONE = ZoneInfo("Asia/Shanghai")
_DAY = timedelta(days=1)
_STORED_FROM = datetime(2000, 1, 1, tzinfo=UTC)
_MIDNIGHT = 16
"""The hour in UTC at which the district's day begins; its clocks have not been changed since September 1991."""


def real_now() -> datetime:
    """The machine's clock, in UTC; never driven."""
    return datetime.now(UTC)


def district_day(at: datetime) -> date:
    """The calendar day in the district's zone on which the instant lies."""
    if at.tzinfo is UTC and 1992 <= at.year < 9999:  # a tenth of the time of what holds for any instant
        day = at.date()
        return day if at.hour < _MIDNIGHT else day + _DAY
    return at.astimezone(DISTRICT_ZONE).date()


def stored_instant(at: datetime) -> int:
    """The instant as PostgreSQL keeps and takes it: microseconds since the year 2000."""
    since = at - _STORED_FROM
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
