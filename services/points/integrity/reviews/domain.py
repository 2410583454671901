"""Findings across many records: hours above those of peers, denials, referrals that serve once. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from statistics import median
from typing import NamedTuple
from uuid import UUID

from services.points.integrity.terms.domain import Flag, Kind, SubjectKind, Thresholds, sites_of

__all__ = [
    "About",
    "Denied",
    "RecorderHours",
    "above_peers",
    "denials_of",
    "flag_of_recorder",
    "month_before",
    "months_end",
    "one_time_referrals",
]


class About(NamedTuple):
    """A record that a finding is about."""

    record_id: UUID
    volunteer_id: UUID
    site_id: UUID | None


class RecorderHours(NamedTuple):
    """Confirmed minutes that a recorder asserted in a month, in one class of devices."""

    recorder: str
    device_class: str
    minutes: int


class Denied(NamedTuple):
    """A denial of what a recorder asserted."""

    recorded_by: UUID
    day: date
    about: About


def month_before(day: date) -> date:
    """The first day of the month before a day's."""
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def months_end(first: date) -> date:
    """The first day after a month."""
    return (first + timedelta(days=31)).replace(day=1)


def above_peers(thresholds: Thresholds, totals: Sequence[RecorderHours]) -> list[tuple[RecorderHours, int]]:
    """Recorders whose hours are far above the median of their class, each with the limit in minutes.

    A class with fewer recorders than the thresholds ask for has no peers to compare with.
    """
    limits = thresholds.recorder_hours
    found: list[tuple[RecorderHours, int]] = []
    for named in sorted({one.device_class for one in totals}):
        alike = [one for one in totals if one.device_class == named]
        if limits is None or len(alike) < limits.peers:
            continue
        limit = max(limits.at_least_minutes, int(median(one.minutes for one in alike) * limits.times_median))
        found += [(one, limit) for one in sorted(alike) if one.minutes >= limit]
    return found


def flag_of_recorder(
    thresholds: Thresholds, first: date, one: RecorderHours, limit: int, about: Iterable[About]
) -> Flag:
    """The finding about a recorder's month, which begins with ``first``."""
    evidence = {
        "day": first.isoformat(),
        "measured": one.minutes,
        "limit": limit,
        "unit": "minutes",
        "class": one.device_class,
    }
    month = f"{first.isoformat()[:7]}|{one.device_class}"
    return _flag(thresholds, "recorder-hours", "recorder", one.recorder, month, evidence, about)


def denials_of(thresholds: Thresholds, denied: Sequence[Denied]) -> Flag | None:
    """The finding about one recorder's month, of which these are all denials."""
    records = {one.about.record_id for one in denied}
    if thresholds.denials is None or len(records) < thresholds.denials:
        return None
    month = min(one.day for one in denied).replace(day=1)
    evidence = {
        "day": month.isoformat(),
        "measured": len(records),
        "limit": thresholds.denials,
        "unit": "records",
    }
    recorder, about = str(denied[0].recorded_by), month.isoformat()[:7]
    return _flag(thresholds, "denials", "recorder", recorder, about, evidence, {one.about for one in denied})


def one_time_referrals(thresholds: Thresholds, day: date, referrer_id: UUID, served: Sequence[About]) -> Flag | None:
    """The finding about a volunteer whose referred people served once and never again: the one record of each."""
    limits = thresholds.one_time_referrals
    if limits is None or len(served) < limits.people:
        return None
    evidence = {"day": day.isoformat(), "measured": len(served), "limit": limits.people, "unit": "people"}
    return _flag(thresholds, "one-time-referrals", "volunteer", str(referrer_id), "referrals", evidence, served)


def _flag(
    thresholds: Thresholds,
    kind: Kind,
    subject_kind: SubjectKind,
    subject: str,
    about: str,
    evidence: dict[str, object],
    records: Iterable[About],
) -> Flag:
    found = sorted(records, key=lambda one: one.record_id)
    sites = sites_of(None if one.site_id is None else str(one.site_id) for one in found)
    pairs = tuple((one.record_id, one.volunteer_id) for one in found)
    return Flag(kind, subject_kind, subject, about, pairs, sites, evidence, thresholds.version)
