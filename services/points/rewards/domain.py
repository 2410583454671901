"""Rewards and redemptions: what may be held, handed over and released. Pure, whole points and whole items."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Pickup codes are read aloud and copied by hand: no 0/O, no 1/I/L."""
CODE_LENGTH = 8
DEFAULT_HOLD_DAYS = 30
REMIND_BEFORE = timedelta(days=3)
"""So long before its time is over a hold's volunteer is reminded; holds that never were longer are not."""
PHOTO_BYTES = 256 * 1024
"""The largest photo of a reward."""


class RedemptionStatus(StrEnum):
    """Where a redemption stands."""

    HELD = "held"
    CAPTURED = "captured"
    RELEASED = "released"
    REFUNDED = "refunded"


class Command(StrEnum):
    """The commands that an existing redemption accepts."""

    CAPTURE = "capture"
    RELEASE = "release"
    EXPIRE = "expire"
    REFUND = "refund"
    REFUND_KEEPING_STOCK_OUT = "refund_keeping_stock_out"


@dataclass(frozen=True, slots=True)
class Reward:
    """One line of the catalogue.

    `price` in points, `hold_days` is how long a held item waits for pickup. `version` is
    1, and one more with each change.
    """

    reward_id: UUID
    name: str
    description: str
    price: int
    per_quarter_limit: int | None
    available_from: datetime | None
    available_until: datetime | None
    hold_days: int
    per_person_limit: int | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Redemption:
    """A reward taken by one volunteer, to be fetched at one site."""

    redemption_id: UUID
    reward_id: UUID
    reward_name: str
    volunteer_id: UUID
    site_id: UUID
    points: int
    status: RedemptionStatus
    version: int
    held_at: datetime
    expires_at: datetime
    settled_at: datetime | None
    reason: str | None
    stock_returned: bool | None


@dataclass(frozen=True, slots=True)
class StockMove:
    """Signed change of one (reward, site): what is free, reserved for a hold, and handed over. Sums to zero."""

    free: int
    reserved: int
    handed_over: int


RESERVE = StockMove(free=-1, reserved=1, handed_over=0)


@dataclass(frozen=True, slots=True)
class Placed:
    """A hold that may be made."""

    points: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RedemptionStep:
    """A redemption's next status and what happens to the stock with it."""

    status: RedemptionStatus
    stock: StockMove


@dataclass(frozen=True, slots=True)
class RewardRefusal:
    """Why not: a stable problem slug and a sentence for the person who asked."""

    slug: str
    detail: str


_STEPS = {
    (RedemptionStatus.HELD, Command.CAPTURE): RedemptionStep(RedemptionStatus.CAPTURED, StockMove(0, -1, 1)),
    (RedemptionStatus.HELD, Command.RELEASE): RedemptionStep(RedemptionStatus.RELEASED, StockMove(1, -1, 0)),
    (RedemptionStatus.HELD, Command.EXPIRE): RedemptionStep(RedemptionStatus.RELEASED, StockMove(1, -1, 0)),
    (RedemptionStatus.CAPTURED, Command.REFUND): RedemptionStep(RedemptionStatus.REFUNDED, StockMove(1, 0, -1)),
    # The item stays with the person (spoilt, eaten, lost): it was handed over, and stays counted so.
    (RedemptionStatus.CAPTURED, Command.REFUND_KEEPING_STOCK_OUT): RedemptionStep(
        RedemptionStatus.REFUNDED, StockMove(0, 0, 0)
    ),
}

_STANDS = {
    RedemptionStatus.HELD: "is held and waits for pickup",
    RedemptionStatus.CAPTURED: "was already handed over",
    RedemptionStatus.RELEASED: "was already released",
    RedemptionStatus.REFUNDED: "was already refunded",
}


def place(
    reward: Reward, *, free: int, taken_this_quarter: int, available: int, at: datetime, taken_ever: int = 0
) -> Placed | RewardRefusal:
    """Whether a volunteer with `available` points may hold one item of which `free` are left at the site."""
    if reward.available_from is not None and at < reward.available_from:
        return RewardRefusal("reward-not-available", "This reward cannot be redeemed yet.")
    if reward.available_until is not None and at >= reward.available_until:
        return RewardRefusal("reward-not-available", "This reward can no longer be redeemed.")
    if free <= 0:
        return RewardRefusal("reward-sold-out", "This reward is sold out at this site.")
    if reward.per_quarter_limit is not None and taken_this_quarter >= reward.per_quarter_limit:
        times = "once" if reward.per_quarter_limit == 1 else f"{reward.per_quarter_limit} times"
        return RewardRefusal("reward-limit-reached", f"This reward can be redeemed {times} per quarter.")
    if reward.per_person_limit is not None and taken_ever >= reward.per_person_limit:
        times = "once" if reward.per_person_limit == 1 else f"{reward.per_person_limit} times"
        return RewardRefusal("reward-limit-reached", f"Each person can redeem this reward {times}.")
    if available < reward.price:
        return RewardRefusal(
            "insufficient-points", f"This reward costs {reward.price} points; {available} are available."
        )
    return Placed(reward.price, at + timedelta(days=reward.hold_days))


def advance(redemption: Redemption, command: Command, at: datetime) -> RedemptionStep | RewardRefusal:
    """The step that `command` takes from here. Each end is reached once; a second command gets the present state."""
    step = _STEPS.get((redemption.status, command))
    if step is None:
        return RewardRefusal("redemption-not-open", f"This redemption {_STANDS[redemption.status]}.")
    if command is Command.CAPTURE and at >= redemption.expires_at:
        # The timer may be late; the time that was promised is not.
        return RewardRefusal("redemption-expired", "The time for picking this reward up is over; the points go back.")
    if command is Command.EXPIRE and at < redemption.expires_at:
        return RewardRefusal("redemption-not-due", "The time for picking this reward up is not over yet.")
    return step


def photo_type(content: bytes) -> str | None:
    """The type of image by its first bytes, whatever it is said to be; None for any other thing."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None


def quarter_start(day: date) -> date:
    """The first day of the calendar quarter that `day` lies in."""
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def normalised_code(typed: str) -> str:
    """A pickup code as typed or scanned, without the spaces, hyphens and lower case that people add."""
    return "".join(character for character in typed.upper() if character not in " -\u3000")
