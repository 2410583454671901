"""Buckets and accounts as rows: what is read of them, what is to be written, and what to post. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal, NamedTuple, Protocol
from uuid import UUID

from services.points.ledger.domain import Balances, Transfer
from services.points.rules.domain import First
from services.points.rules.hours.domain import Lifetime

__all__ = [
    "BucketCause",
    "BucketChange",
    "BucketKey",
    "BucketState",
    "Movement",
    "PostingCause",
    "Reason",
    "VolunteerRow",
    "differences",
]

Reason = Literal["award", "reversal", "hold", "capture", "release", "refund", "expiry"]
BucketKey = tuple[UUID, str]
"""Volunteer and bucket."""


class VolunteerRow:
    """A volunteer's row as it is read, and as it is to be written; ``updated_at`` is when it last was."""

    __slots__ = (
        "badge_figures",
        "badges",
        "before",
        "criteria_version",
        "figures",
        "first",
        "generation",
        "lifetime",
        "standing_flags",
        "states",
        "updated_at",
        "version",
        "volunteer_id",
    )

    def __init__(
        self,
        volunteer_id: UUID,
        version: int,
        figures: Balances,
        lifetime: Lifetime,
        first: First | None,
        badges: tuple[str, ...],
        criteria_version: int,
        badge_figures: str | None,
        generation: int,
        standing_flags: int,
        updated_at: datetime,
    ) -> None:
        self.volunteer_id = volunteer_id
        self.version = version
        self.figures = figures
        self.lifetime = lifetime
        self.first = first
        self.badges = badges
        self.criteria_version = criteria_version
        self.badge_figures = badge_figures
        self.generation = generation
        self.standing_flags = standing_flags
        self.updated_at = updated_at
        self.states: list[dict[str, Any]] | None = None
        self.before = (figures, lifetime, first, badges, criteria_version)

    @property
    def only_earned(self) -> bool:
        """Whether nothing differs from before but points that may be spent, witnessed service and its figures.

        Most rows of the ingest are such: fewer columns of them are written.
        """
        figures, lifetime, first, badges, criteria_version = self.before
        return (
            self.first is first
            and self.badges is badges
            and self.criteria_version == criteria_version
            and self.figures[1:3] == figures[1:3]
            and self.figures[4:] == figures[4:]
            and self.lifetime[1:3] == lifetime[1:3]
            and self.lifetime[4:] == lifetime[4:]
        )

    def posting_time(self, now: datetime) -> datetime:
        """The time of the transfers of a transaction that has read its time ``now``.

        They are posted not before those of another that read it later and was faster to have the lock, so that an
        account's transfers have their times in order.
        """
        return max(now, self.updated_at)


class BucketState(NamedTuple):
    """A bucket's row."""

    version: int
    rule_version: int
    points: int
    explanation: str
    first_started_at: datetime | None
    first_record_id: UUID | None


class PostingCause(Protocol):
    """The cause of a change of a bucket: a revision of a record, or something else."""

    @property
    def event_id(self) -> UUID: ...
    @property
    def correlation_id(self) -> str: ...
    @property
    def traceparent(self) -> str | None: ...
    @property
    def record_id(self) -> UUID | None: ...
    @property
    def site_id(self) -> UUID | None: ...
    @property
    def drive_id(self) -> UUID | None: ...
    @property
    def activity_id(self) -> UUID | None: ...


class BucketCause(NamedTuple):
    """Causes other than a revision of a record that may change a bucket."""

    event_id: UUID
    correlation_id: str
    traceparent: str | None = None
    record_id: UUID | None = None
    site_id: UUID | None = None
    drive_id: UUID | None = None
    activity_id: UUID | None = None


class BucketChange(NamedTuple):
    """A bucket that is to be written; ``old`` is None when it is new."""

    volunteer_id: UUID
    bucket: str
    old: BucketState | None
    new: BucketState
    points: Mapping[date, int]
    cause: PostingCause


class Movement(NamedTuple):
    """One posting to an account: why, by how many points, and the transfers that it takes.

    ``award``: the bucket whose award changed, its version and that of its rule.
    """

    reason: Reason
    amount: int
    transfers: Sequence[Transfer]
    cause: PostingCause
    award: tuple[str, int, int] | None = None


def differences(points: Mapping[date, int], posted: Mapping[date, int]) -> dict[date, int]:
    """The differences to post so that the awards become ``points``, per expiry date; without zeros."""
    if not posted:
        return {day: amount for day, amount in points.items() if amount}
    days = points.keys() | posted.keys()
    found = {day: points.get(day, 0) - posted.get(day, 0) for day in days}
    return {day: amount for day, amount in found.items() if amount}
