"""The terms of integrity's windows: seen revisions, thresholds, flags. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

__all__ = [
    "PHONE",
    "Burst",
    "DriveLimits",
    "Flag",
    "Kind",
    "Limits",
    "OpeningLimits",
    "PeerLimits",
    "ReferralLimits",
    "SeenRevision",
    "SubjectKind",
    "Thresholds",
    "ThresholdsInForce",
    "TimeWindow",
    "class_of",
    "day_of",
    "day_span",
    "iso",
    "seconds",
    "sites_of",
    "span_of",
]

Kind = Literal[
    "two-sites",
    "burst",
    "no-check-in",
    "many-accounts",
    "long-day",
    "recorder-hours",
    "denials",
    "one-time-referrals",
    "mutual-approvals",
    "filled-at-once",
    "never-signed-up",
    "shared-pickups",
    "idle-drives",
]
SubjectKind = Literal["volunteer", "recorder", "device", "pair", "shift", "drive"]

PHONE: Final = "phone:"
"""What references of volunteers' own phones begin with; those of registered devices don't."""

_ZONE_SECONDS: Final = 8 * 3600
"""The district's zone; it has no summer time, so days follow from seconds by arithmetic."""
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
DAY_SECONDS: Final = 86_400


class TimeWindow(NamedTuple):
    """A window, in Unix seconds; half open."""

    start: int
    end: int


class SeenRevision(NamedTuple):
    """One revision of a record as it was published; ``emitted_at`` is when."""

    record_id: UUID
    revision: int
    volunteer_id: UUID
    site_id: UUID | None
    provenance: str
    status: str
    closed_by: str | None
    started_at: datetime
    ended_at: datetime | None
    minutes: int
    recorded_by: UUID | None
    device_ref: str | None
    emitted_at: datetime


@dataclass(frozen=True, slots=True)
class Burst:
    """So many records within ten minutes of when they were ``posted`` or ``served``."""

    records: int
    by: Literal["posted", "served"]


Limits = Mapping[str, int | None]
"""Per class of device: others, kiosk, leader; None is not checked."""


@dataclass(frozen=True, slots=True)
class PeerLimits:
    """How far above the median of at least so many ``peers`` a recorder's minutes of a month may be."""

    times_median: int
    at_least_minutes: int
    peers: int


@dataclass(frozen=True, slots=True)
class ReferralLimits:
    """So many referred people who served once and not again for so many days."""

    people: int
    silent_days: int


@dataclass(frozen=True, slots=True)
class OpeningLimits:
    """So many people who took places within so many ``minutes`` of a shift's opening, together ``percent`` of them."""

    minutes: int
    people: int
    percent: int


@dataclass(frozen=True, slots=True)
class DriveLimits:
    """So many people whom a drive registered, of whom at most ``served_percent`` served within so many ``days``."""

    people: int
    served_percent: int
    days: int


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on something is flagged: minutes, records, people; what is None is not checked.

    ``keep_days``: how long windows are kept.
    """

    version: int
    effective_from: date
    two_sites: Limits
    burst: Mapping[str, Burst | None]
    no_check_in: Limits
    many_accounts: Limits
    long_day: int
    keep_days: int
    recorder_hours: PeerLimits | None = None
    denials: int | None = None
    one_time_referrals: ReferralLimits | None = None
    mutual_approvals: int | None = None
    filled_at_once: OpeningLimits | None = None
    never_signed_up: Limits = field(default_factory=dict)
    shared_pickups: int | None = None
    idle_drives: DriveLimits | None = None


class ThresholdsInForce:
    """All versions; which one holds follows from the day on which something happened."""

    def __init__(self, versions: Iterable[Thresholds]) -> None:
        self.versions = sorted(versions, key=lambda found: (found.effective_from, found.version))
        if not self.versions:
            raise ValueError("there are no thresholds in force")
        self._starts = [found.effective_from for found in self.versions]

    def at(self, day: date) -> Thresholds:
        """The version in force on a day; before the first version's start, the first."""
        return self.versions[max(0, bisect_right(self._starts, day) - 1)]

    @property
    def keep_seconds(self) -> int:
        """How long the windows of a day are kept after it."""
        return max(found.keep_days for found in self.versions) * DAY_SECONDS


@dataclass(frozen=True, slots=True)
class Flag:
    """A finding. ``about`` separates it from others of its kind and subject; ``records`` are (record, volunteer).

    ``evidence`` holds numbers and times, and nothing of a person. A finding without records is about ``people``, each
    with the redemption that they are part of it by, or none.
    """

    kind: Kind
    subject_kind: SubjectKind
    subject: str
    about: str
    records: tuple[tuple[UUID, UUID], ...]
    site_ids: tuple[UUID, ...]
    evidence: Mapping[str, Any] = field(hash=False)
    thresholds_version: int
    people: tuple[tuple[UUID, UUID | None], ...] = ()


def class_of(provenance: str) -> str:
    """Registered kiosks and leaders' phones have thresholds of their own."""
    return provenance if provenance in ("kiosk", "leader") else "others"


def day_span(day: date) -> TimeWindow:
    """A day of the district."""
    start = (day.toordinal() - _EPOCH_DAY) * DAY_SECONDS - _ZONE_SECONDS
    return TimeWindow(start, start + DAY_SECONDS)


def span_of(at: int) -> TimeWindow:
    """The district's day in which a moment (Unix seconds) lies, as a window."""
    start = at - (at + _ZONE_SECONDS) % DAY_SECONDS
    return TimeWindow(start, start + DAY_SECONDS)


def day_of(at: int) -> date:
    """The district's day in which a moment (Unix seconds) lies."""
    return date.fromordinal((at + _ZONE_SECONDS) // DAY_SECONDS + _EPOCH_DAY)


def seconds(at: datetime) -> int:
    """A moment in whole Unix seconds."""
    return int(at.timestamp())


def iso(at: int) -> str:
    """A moment as text, in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat()


def sites_of(found: Iterable[str | None]) -> tuple[UUID, ...]:
    """Sites, sorted, each once."""
    return tuple(sorted({UUID(site) for site in found if site}))
