"""Quiet hours: when messages wait."""

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import TypedDict
from zoneinfo import ZoneInfo

__all__ = ["DEFAULT", "Preferences", "PreferencesChange", "changed", "quiet_until"]

_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Preferences:
    """The choices of a volunteer. Quiet hours are times of day in the district, half-open, and may cross midnight."""

    email: bool
    quiet_from: time | None
    quiet_to: time | None


DEFAULT = Preferences(email=False, quiet_from=time(22, 0), quiet_to=time(7, 0))
"""E-mail is off until the volunteer turns it on: only volunteers who asked for it get any."""


class PreferencesChange(TypedDict, total=False):
    """A change of preferences; absent members keep their value, and None ends the quiet hours."""

    email: bool
    quiet_from: time | None
    quiet_to: time | None


def changed(preferences: Preferences, change: PreferencesChange) -> Preferences:
    """The preferences with the change in them.

    Raises:
        ValueError: only one end of the quiet hours would be left.
    """
    result = replace(preferences, **change)
    if (result.quiet_from is None) != (result.quiet_to is None):
        raise ValueError("Quiet hours need both quiet_from and quiet_to, or neither.")
    return result


def quiet_until(preferences: Preferences, now: datetime) -> datetime | None:
    """When the quiet hours that ``now`` lies in end; None outside them."""
    start, end = preferences.quiet_from, preferences.quiet_to
    if start is None or end is None or start == end:
        return None
    local = now.astimezone(_ZONE)
    clock = local.time().replace(tzinfo=None)
    inside = start <= clock < end if start < end else clock >= start or clock < end
    if not inside:
        return None
    day = local.date() if clock < end else local.date() + timedelta(days=1)
    return datetime.combine(day, end, tzinfo=_ZONE)
