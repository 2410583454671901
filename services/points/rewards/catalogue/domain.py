"""The catalogue: which rewards can be held now, and what a change of it says. Pure; whole points, whole items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.points.rewards.domain import Reward, RewardRefusal, place

__all__ = ["RewardEdit", "RewardsTaken", "StockEntry", "Window", "as_plain", "refusal", "window", "withdrawn"]


class Window(StrEnum):
    """Where a moment lies to the time in which a reward may be redeemed."""

    SOON = "soon"
    OPEN = "open"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class RewardsTaken:
    """How often a volunteer took a reward, given-back ones aside."""

    in_quarter: int = 0
    ever: int = 0


@dataclass(frozen=True, slots=True)
class RewardEdit:
    """A line of the catalogue was changed; ``before`` and ``after`` hold only what differs."""

    change_id: UUID
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    changed_at: datetime
    changed_by: UUID


@dataclass(frozen=True, slots=True)
class StockEntry:
    """Something that was booked on a shelf: a receipt, or a count with what was found and what was expected."""

    entry_id: UUID
    counted: bool
    change: int
    found: int | None
    expected: int | None
    note: str
    at: datetime
    by: UUID


def window(reward: Reward, at: datetime) -> Window:
    """Whether the reward may be redeemed at a moment, not yet, or no more."""
    if reward.available_until is not None and at >= reward.available_until:
        return Window.OVER
    return Window.SOON if reward.available_from is not None and at < reward.available_from else Window.OPEN


def refusal(
    reward: Reward, taken: RewardsTaken, *, free: int, available: int, quarter_used: bool, at: datetime
) -> RewardRefusal | None:
    """Why a volunteer with ``available`` points cannot hold one of ``free`` items now; None when they can.

    ``quarter_used``: the rule in force allows no further redemption, of whichever reward, in this quarter.
    """
    found = place(
        reward,
        free=free,
        taken_this_quarter=taken.in_quarter,
        available=available,
        at=at,
        taken_ever=taken.ever,
    )
    if isinstance(found, RewardRefusal) and found.slug != "insufficient-points":
        return found
    if quarter_used:
        return RewardRefusal("quarterly-redemptions-used", "No further redemption is allowed in this quarter.")
    return found if isinstance(found, RewardRefusal) else None


def withdrawn(reward: Reward, at: datetime) -> Reward:
    """The reward, redeemable no more from a moment on. One that was to come later never comes."""
    begins = reward.available_from
    return replace(reward, available_from=begins if begins is not None and begins < at else None, available_until=at)


def as_plain(before: Reward, after: Reward) -> tuple[dict[str, Any], dict[str, Any]]:
    """The differences, before and after, as plain data with moments in ISO form; the version is no content."""
    old, new = asdict(before), asdict(after)
    names = [name for name in old if name != "version" and old[name] != new[name]]
    return {name: _plain(old[name]) for name in names}, {name: _plain(new[name]) for name in names}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
