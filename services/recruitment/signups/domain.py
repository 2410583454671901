"""Sign-ups: who may take a place in a shift and give it back. Pure; intervals are half-open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal, Shift, State, overlaps

__all__ = [
    "Held",
    "Placing",
    "Reliability",
    "ReliabilityPolicy",
    "Signup",
    "SignupStatus",
    "Source",
    "cancel",
    "place",
    "refuse_unreliable",
]


class SignupStatus(StrEnum):
    """A cancelled sign-up stays as history; signing up again makes a new one."""

    ACTIVE = "active"
    CANCELLED = "cancelled"


class Source(StrEnum):
    """The source of a sign-up; ``walk_in``: the volunteer, by coming; ``waitlist``: a place given without a call."""

    SELF = "self"
    STAFF = "staff"
    WALK_IN = "walk_in"
    WAITLIST = "waitlist"
    SWAP = "swap"
    TEAM = "team"


@dataclass(frozen=True, slots=True)
class Signup:
    """One volunteer's place in one shift."""

    signup_id: UUID
    shift_id: UUID
    volunteer_id: UUID
    status: SignupStatus
    source: Source
    placed_by: UUID
    placed_at: datetime
    cancelled_by: UUID | None = None
    cancelled_at: datetime | None = None
    version: int = 1
    late: bool = False
    """Released by the volunteer after the shift's deadline."""


@dataclass(frozen=True, slots=True)
class ReliabilityPolicy:
    """The effect of places that are not used: ``allowed`` in the last ``days`` have no effect, None: any number.

    More of them pause sign-ups of one's own for ``pause`` after the shift of the last one; leaders and staff may sign
    the volunteer up all the same.
    """

    allowed: int | None = None
    window: timedelta = timedelta(days=90)
    pause: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Reliability:
    """Places of the last weeks that were not used: the volunteer did not come, or released them late."""

    missed: int
    late: int
    last_at: datetime | None
    """End of the last such shift."""


@dataclass(frozen=True, slots=True)
class Held:
    """A place that the volunteer holds already, with its shift's times."""

    signup_id: UUID
    shift_id: UUID
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Placing:
    """The state that a sign-up is decided on, read under the locks of volunteer and shift."""

    shift: Shift
    activity_state: State
    held: Sequence[Held]
    """The volunteer's active sign-ups of this shift and of those that overlap it."""
    others_first: bool = False
    """Whether free places go to the waitlist before this volunteer."""


def place(state: Placing, signup: Signup, now: datetime) -> Signup | DomainRefusal:
    """The sign-up, or why there is none. Allowed until the shift ends: who comes late still helps."""
    shift = state.shift
    if shift.cancelled_at is not None:
        return DomainRefusal("shift-cancelled", "This shift was called off; choose another one.")
    if state.activity_state is not State.OPEN:
        return DomainRefusal("activity-not-open", f"The activity is {state.activity_state}; sign-up is for open ones.")
    if now >= shift.ends_at:
        return DomainRefusal("shift-over", "This shift is over.")
    for held in state.held:
        if held.shift_id == shift.shift_id:
            return DomainRefusal(
                "already-signed-up",
                "There is a sign-up for this shift already.",
                extra={"signup_id": str(held.signup_id)},
            )
    for held in state.held:
        if overlaps(shift.starts_at, shift.ends_at, held.starts_at, held.ends_at):
            return DomainRefusal(
                "signup-overlaps",
                "This shift overlaps another one that was signed up for; cancel that one first.",
                extra={"signup_id": str(held.signup_id), "shift_id": str(held.shift_id)},
            )
    if shift.taken >= shift.capacity:
        return DomainRefusal(
            "shift-full", f"All {shift.capacity} places of this shift are taken.", extra={"capacity": shift.capacity}
        )
    if state.others_first:
        return DomainRefusal("waitlist-first", "Free places of this shift go to its waitlist first; join the waitlist.")
    return signup


def refuse_unreliable(seen: Reliability, policy: ReliabilityPolicy, now: datetime) -> DomainRefusal | None:
    """Why the volunteer's own sign-ups are paused; None if they are not."""
    if policy.allowed is None or seen.last_at is None or seen.missed + seen.late <= policy.allowed:
        return None
    until = seen.last_at + policy.pause
    if now >= until:
        return None
    detail = (
        f"{seen.missed + seen.late} places of the last {policy.window.days} days were not used, so sign-ups are "
        "paused; the team's leader or the site can sign you up."
    )
    extra = {"missed": seen.missed, "late": seen.late, "until": until.isoformat()}
    return DomainRefusal("sign-ups-paused", detail, extra=extra)


def cancel(
    signup: Signup, shift: Shift, *, attended: bool, by: UUID, own: bool, now: datetime
) -> Signup | DomainRefusal:
    """The sign-up cancelled. Not once there is attendance for it, nor when the shift is over.

    One that the volunteer cancels (``own``) after the shift's deadline is late.
    """
    if signup.status is SignupStatus.CANCELLED:
        return DomainRefusal("signup-cancelled", "This sign-up was cancelled already.")
    if attended:
        return DomainRefusal("already-attended", "There is attendance for this sign-up, so it cannot be cancelled.")
    if now >= shift.ends_at:
        return DomainRefusal("shift-over", "This shift is over; a sign-up for it cannot be cancelled any more.")
    late = own and now > shift.starts_at - timedelta(minutes=shift.withdraw_minutes)
    return replace(
        signup,
        status=SignupStatus.CANCELLED,
        cancelled_by=by,
        cancelled_at=now,
        late=late,
        version=signup.version + 1,
    )
