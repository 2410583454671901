"""Points, badges and redemptions."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.base import Contract, Instant

__all__ = [
    "BadgeAwarded",
    "BadgeRevoked",
    "PointsPosted",
    "RedemptionCaptured",
    "RedemptionHeld",
    "RedemptionRefunded",
    "RedemptionReleased",
    "RedemptionReminder",
    "TeamBadgeAwarded",
    "TeamBadgeRevoked",
]

Amount = Annotated[int, Field(ge=0)]
JudgedBy = Literal["records", "criteria"]
"""What took a badge away: records that changed, or other criteria."""


class PointsPosted(Contract):
    """A volunteer's balance changed; the three balances are those after the change.

    ``amount`` is the signed change in points that the reason brought: for ``award`` and ``reversal`` what the bucket's
    award changed by, else the change of ``available``. The aggregate is the volunteer's account.
    """

    topic: ClassVar[str] = "points"
    type: ClassVar[str] = "volunteering.points.posted.v1"
    key: ClassVar[str] = "volunteer_id"
    aggregate: ClassVar[str] = "volunteer_id"

    posting_id: UUID
    volunteer_id: UUID
    reason: Literal["award", "reversal", "expiry", "hold", "capture", "release", "refund"]
    amount: int
    available: Amount
    held: Amount
    debt: Amount
    bucket: str | None = None
    rule_version: str | None = None
    record_ids: tuple[UUID, ...] = ()
    site_id: UUID | None = None
    drive_id: UUID | None = None
    activity_id: UUID | None = None
    posted_at: Instant


class BadgeAwarded(Contract):
    """A volunteer earned a badge under a version of its criteria."""

    topic: ClassVar[str] = "badges"
    type: ClassVar[str] = "volunteering.badge.awarded.v1"
    key: ClassVar[str] = "volunteer_id"
    aggregate: ClassVar[str] = "award_id"

    award_id: UUID
    volunteer_id: UUID
    badge: str
    name: str
    criteria_version: str
    awarded_at: Instant


class BadgeRevoked(Contract):
    """A correction took away what had earned the badge."""

    topic: ClassVar[str] = "badges"
    type: ClassVar[str] = "volunteering.badge.revoked.v1"
    key: ClassVar[str] = "volunteer_id"
    aggregate: ClassVar[str] = "award_id"

    award_id: UUID
    volunteer_id: UUID
    badge: str
    name: str
    criteria_version: str
    cause: JudgedBy | None = None
    revoked_at: Instant


class TeamBadgeAwarded(Contract):
    """A team earned a badge under a version of its criteria; ``services`` is the count that earned it."""

    topic: ClassVar[str] = "team-badges"
    type: ClassVar[str] = "volunteering.team-badge.awarded.v1"
    key: ClassVar[str] = "team_id"
    aggregate: ClassVar[str] = "award_id"

    award_id: UUID
    team_id: UUID
    badge: str
    name: str
    criteria_version: str
    services: Amount
    awarded_at: Instant


class TeamBadgeRevoked(Contract):
    """A correction, or other criteria, took away what had earned a team's badge; ``services`` is what is left."""

    topic: ClassVar[str] = "team-badges"
    type: ClassVar[str] = "volunteering.team-badge.revoked.v1"
    key: ClassVar[str] = "team_id"
    aggregate: ClassVar[str] = "award_id"

    award_id: UUID
    team_id: UUID
    badge: str
    name: str
    criteria_version: str
    cause: JudgedBy | None = None
    services: Amount
    revoked_at: Instant


class _Redemption(Contract):
    topic: ClassVar[str] = "redemptions"
    key: ClassVar[str] = "volunteer_id"
    aggregate: ClassVar[str] = "redemption_id"

    redemption_id: UUID
    volunteer_id: UUID
    reward_id: UUID
    reward_name: str
    site_id: UUID
    points: Annotated[int, Field(gt=0)]


class RedemptionHeld(_Redemption):
    """Points are held and a piece of stock is reserved until ``expires_at``."""

    type: ClassVar[str] = "volunteering.redemption.held.v1"

    expires_at: Instant


class RedemptionReminder(_Redemption):
    """The reward still waits for pickup and its time is nearly over."""

    type: ClassVar[str] = "volunteering.redemption.reminder.v1"

    expires_at: Instant
    reminded_at: Instant


class RedemptionCaptured(_Redemption):
    """The reward was handed over and the points are spent."""

    type: ClassVar[str] = "volunteering.redemption.captured.v1"

    captured_at: Instant


class RedemptionReleased(_Redemption):
    """The hold was released, by wish or by time-out."""

    type: ClassVar[str] = "volunteering.redemption.released.v1"

    cause: Literal["volunteer", "staff", "timeout"] | None = None
    released_at: Instant


class RedemptionRefunded(_Redemption):
    """Points of a reward that had been handed over came back."""

    type: ClassVar[str] = "volunteering.redemption.refunded.v1"

    cause: Literal["centre"] | None = None
    refunded_at: Instant
