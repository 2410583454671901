"""The changes that an activity and a shift allow, and when. Pure; instants carry their offset.

A shift is frozen once it has begun or has a check-in: from then on it can only be postponed before any
check-in, shortened, or called off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from services.recruitment.activities.domain import Activity, DomainRefusal, PlanningPolicy, Shift, State, fault_of_times

__all__ = ["CancelReason", "ShiftState", "call_off", "edit_activity", "edit_shift", "is_frozen", "postpone", "shorten"]

_UNTIL_BEGUN = frozenset({"title", "theme_id", "team_id", "site_id", "project_id", "kind"})
_UNTIL_CLOSED = frozenset({"place", "beneficiaries", "content", "person_in_charge"})
_AFTER_CLOSING = frozenset({"residents_served", "note"})


class CancelReason(StrEnum):
    """Why a shift was called off."""

    WEATHER = "weather"
    TOO_FEW_PEOPLE = "too-few-people"
    PLACE_UNAVAILABLE = "place-unavailable"
    NO_LEADER = "no-leader"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ShiftState:
    """A shift and what has happened in it, read under the locks of its volunteers and of itself."""

    shift: Shift
    activity_state: State
    attended: bool
    """Whether there is a record that is not void."""
    counted_until: datetime | None
    """The latest end of a closed record that is not void."""


def is_frozen(standing: ShiftState, now: datetime) -> bool:
    """Whether the shift has begun, or has a check-in."""
    return standing.attended or now >= standing.shift.starts_at


def edit_activity(activity: Activity, edits: Mapping[str, object], *, begun: bool) -> Activity | DomainRefusal:
    """The activity with some fields changed; ``begun``: one of its shifts is frozen.

    Until a shift begins everything can change, then the place and the texts; after closing, only the result.
    """
    fields = edits.keys()
    if activity.state is State.CLOSED:
        if (wrong := fields - _AFTER_CLOSING) != set():
            return _refused("activity-closed", "This activity is closed; only", _AFTER_CLOSING, wrong)
    elif wrong := fields & _AFTER_CLOSING:
        detail = "The residents served and the note are entered when the activity is closed."
        return DomainRefusal("activity-not-closed", detail, extra={"fields": sorted(wrong)})
    elif begun and (wrong := fields & _UNTIL_BEGUN):
        return _refused("activity-begun", "A shift of this activity has begun; only", _UNTIL_CLOSED, wrong)
    return replace(activity, **edits, version=activity.version + 1)  # type: ignore[arg-type]


def edit_shift(
    standing: ShiftState,
    starts_at: datetime,
    ends_at: datetime,
    capacity: int,
    *,
    policy: PlanningPolicy,
    now: datetime,
    withdraw_minutes: int | None = None,
) -> Shift | DomainRefusal:
    """The shift with other times, places or deadline.

    Times stand once it is frozen; places never fall below those taken.
    """
    shift = standing.shift
    if (refused := _over(standing, now)) is not None:
        return refused
    if capacity < shift.taken:
        detail = f"{shift.taken} people are signed up for this shift; it cannot have fewer places."
        return DomainRefusal("capacity-below-taken", detail, extra={"taken": shift.taken})
    deadline = shift.withdraw_minutes if withdraw_minutes is None else withdraw_minutes
    changed = replace(shift, starts_at=starts_at, ends_at=ends_at, capacity=capacity, withdraw_minutes=deadline)
    if (starts_at, ends_at) == (shift.starts_at, shift.ends_at):
        return changed
    if is_frozen(standing, now):
        return DomainRefusal(
            "shift-frozen",
            "This shift has begun or a volunteer has checked in, so its times stand. It can be postponed before any "
            "check-in, shortened, or called off.",
        )
    if starts_at <= now:
        return DomainRefusal("shift-times-invalid", "starts_at must lie in the future.", 422)
    if (fault := fault_of_times(changed, policy, now)) is not None:
        return DomainRefusal("shift-times-invalid", f"Shift: {fault}", 422)
    earlier_or_longer = starts_at < shift.starts_at or ends_at - starts_at > shift.ends_at - shift.starts_at
    if shift.published_at is not None and earlier_or_longer:
        # What people could not have known of before is published anew.
        return replace(changed, published_at=now)
    return changed


def postpone(standing: ShiftState, starts_at: datetime, policy: PlanningPolicy, now: datetime) -> Shift | DomainRefusal:
    """The shift later, as long as before; only while it is not over and has no check-in."""
    shift = standing.shift
    if (refused := _over(standing, now)) is not None:
        return refused
    if standing.attended:
        return DomainRefusal(
            "shift-attended", "A volunteer has checked in to this shift, so it cannot be postponed any more."
        )
    if starts_at <= shift.starts_at or starts_at < now:
        return DomainRefusal(
            "shift-times-invalid", "starts_at must come after the present start and not lie in the past.", 422
        )
    later = replace(shift, starts_at=starts_at, ends_at=starts_at + (shift.ends_at - shift.starts_at))
    if (fault := fault_of_times(later, policy, now)) is not None:
        return DomainRefusal("shift-times-invalid", f"Shift: {fault}", 422)
    return later


def shorten(standing: ShiftState, ends_at: datetime, now: datetime) -> Shift | DomainRefusal:
    """The shift with an earlier end, which lies neither in the past nor before what records have counted."""
    shift = standing.shift
    if (refused := _over(standing, now)) is not None:
        return refused
    earliest = max(now, standing.counted_until or now)
    if not shift.starts_at < ends_at < shift.ends_at or ends_at < earliest:
        detail = "ends_at must come before the present end, after the start, and not lie in the past."
        return DomainRefusal("shift-times-invalid", detail, 422)
    return replace(shift, ends_at=ends_at)


def call_off(standing: ShiftState, now: datetime) -> Shift | DomainRefusal:
    """The shift called off: it ends now if it has begun, and keeps its times if it has not."""
    if (refused := _over(standing, now)) is not None:
        return refused
    shift = standing.shift
    if now <= shift.starts_at:
        return replace(shift, cancelled_at=now)
    return replace(shift, cancelled_at=now, ends_at=now)


def _over(standing: ShiftState, now: datetime) -> DomainRefusal | None:
    if standing.activity_state is State.CLOSED:
        return DomainRefusal("activity-closed", "This activity is closed; its shifts stay as they are.")
    if standing.shift.cancelled_at is not None:
        return DomainRefusal("shift-cancelled", "This shift was called off.")
    if now >= standing.shift.ends_at:
        return DomainRefusal("shift-over", "This shift is over; it stays as it is.")
    return None


def _refused(slug: str, why: str, allowed: frozenset[str], wrong: set[str]) -> DomainRefusal:
    detail = f"{why} {', '.join(sorted(allowed))} can be changed."
    return DomainRefusal(slug, detail, extra={"allowed": sorted(allowed), "fields": sorted(wrong)})
