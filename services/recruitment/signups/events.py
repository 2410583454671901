"""Sign-ups as events."""

from datetime import datetime
from typing import Any, Literal

from services.recruitment.signups.domain import Signup
from services.recruitment.signups.store import PlacingRow
from shared import outbox
from shared.cloudevents import Event
from shared.contracts import SignupCancelled, SignupPlaced

__all__ = ["SOURCE", "cancelled", "placed"]

SOURCE = "weiguang/recruitment"
Cause = Literal["self", "staff", "called-off", "swap"]


def placed(found: PlacingRow, signup: Signup, now: datetime) -> Event[Any]:
    """The event of a place that was taken; ``found`` is its shift."""
    data = SignupPlaced(
        signup_id=signup.signup_id,
        volunteer_id=signup.volunteer_id,
        shift_id=signup.shift_id,
        activity_id=found.shift.activity_id,
        activity_title=found.title,
        site_id=found.site_id,
        starts_at=found.shift.starts_at,
        ends_at=found.shift.ends_at,
        placed_at=now,
        source=signup.source.value,
        opened_at=found.shift.published_at,
        places=found.shift.capacity,
    )
    return outbox.event(data, source=SOURCE, aggregate_version=signup.version, time=now)


def cancelled(signup: Signup, found: PlacingRow, cause: Cause, now: datetime, *, late: bool = False) -> Event[Any]:
    """The event of a place that was released; ``late``: after the shift's deadline for withdrawing."""
    data = SignupCancelled(
        signup_id=signup.signup_id,
        volunteer_id=signup.volunteer_id,
        shift_id=signup.shift_id,
        activity_id=found.shift.activity_id,
        cancelled_at=now,
        cause=cause,
        late=late,
    )
    return outbox.event(data, source=SOURCE, aggregate_version=signup.version, time=now)
