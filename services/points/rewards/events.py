"""Events of redemptions, from the domain to the contracts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from services.points.rewards.domain import Redemption
from shared import outbox
from shared.cloudevents import Event
from shared.contracts import (
    RedemptionCaptured,
    RedemptionHeld,
    RedemptionRefunded,
    RedemptionReleased,
    RedemptionReminder,
)
from shared.ids import derived_id

SOURCE = "weiguang/points"
ReleasedBy = Literal["volunteer", "staff", "timeout"]


def _common(redemption: Redemption) -> dict[str, Any]:
    return {
        "redemption_id": redemption.redemption_id,
        "volunteer_id": redemption.volunteer_id,
        "reward_id": redemption.reward_id,
        "reward_name": redemption.reward_name,
        "site_id": redemption.site_id,
        "points": redemption.points,
    }


def _event(redemption: Redemption, data: Any, time: Any) -> Event[Any]:
    # The id follows from what happened, so that it is the same however often the transaction is tried.
    return outbox.event(
        data,
        source=SOURCE,
        aggregate_version=redemption.version,
        id=derived_id("redemption", redemption.redemption_id, redemption.version),
        time=time,
    )


def held(redemption: Redemption) -> Event[Any]:
    """Points are held, an item is reserved."""
    data = RedemptionHeld(**_common(redemption), expires_at=redemption.expires_at)
    return _event(redemption, data, redemption.held_at)


def reminded(redemption: Redemption, at: datetime) -> Event[Any]:
    """The item still waits and the time is nearly over."""
    return _event(
        redemption, RedemptionReminder(**_common(redemption), expires_at=redemption.expires_at, reminded_at=at), at
    )


def captured(redemption: Redemption) -> Event[Any]:
    """The item was handed over."""
    assert redemption.settled_at is not None
    data = RedemptionCaptured(**_common(redemption), captured_at=redemption.settled_at)
    return _event(redemption, data, redemption.settled_at)


def released(redemption: Redemption, cause: ReleasedBy) -> Event[Any]:
    """The hold was released; what people typed about it stays in the database."""
    assert redemption.settled_at is not None
    data = RedemptionReleased(**_common(redemption), cause=cause, released_at=redemption.settled_at)
    return _event(redemption, data, redemption.settled_at)


def refunded(redemption: Redemption) -> Event[Any]:
    """The points of a handed-over item came back, by the centre."""
    assert redemption.settled_at is not None
    data = RedemptionRefunded(**_common(redemption), cause="centre", refunded_at=redemption.settled_at)
    return _event(redemption, data, redemption.settled_at)
