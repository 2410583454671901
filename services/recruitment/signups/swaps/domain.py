"""Swaps: a volunteer passes a place on to another, who agrees. Pure.

With an empty waitlist the place is passed on at once; else the team's leader or the site's staff agree too, since the
waitlist is passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal, Shift
from services.recruitment.signups.domain import Signup, SignupStatus

__all__ = ["MOST_PROPOSALS", "ShiftSwap", "SwapState", "agree", "approve", "end", "propose"]


MOST_PROPOSALS = 10
"""Proposals of one volunteer in 24 hours, so that numbers are not tried one after the other."""


class SwapState(StrEnum):
    """Agreed: the other volunteer wants the place, and the leader decides; the last three are final."""

    PROPOSED = "proposed"
    AGREED = "agreed"
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class ShiftSwap:
    """One proposal to pass a place on; ``to_id`` None: no volunteer has the number, which only the proposer keeps."""

    swap_id: UUID
    signup_id: UUID
    shift_id: UUID
    from_id: UUID
    to_id: UUID | None
    state: SwapState
    proposed_at: datetime
    decided_by: UUID | None = None
    decided_at: datetime | None = None
    version: int = 1


def propose(
    swap: ShiftSwap, signup: Signup, shift: Shift, *, attended: bool, open_swap: bool, of_late: int, now: datetime
) -> ShiftSwap | DomainRefusal:
    """The proposal, or why there is none; ``of_late`` counts the volunteer's proposals of the last 24 hours."""
    if signup.status is SignupStatus.CANCELLED:
        return DomainRefusal("signup-cancelled", "This sign-up was cancelled already.")
    if attended:
        return DomainRefusal("already-attended", "There is attendance for this sign-up, so it cannot be passed on.")
    if (refused := _over(shift, now)) is not None:
        return refused
    if swap.from_id == swap.to_id:
        return DomainRefusal("swap-with-oneself", "Name another volunteer than the one who has the place.", 422)
    if open_swap:
        return DomainRefusal("swap-open", "This place is proposed to a volunteer already; withdraw that first.")
    if of_late >= MOST_PROPOSALS:
        return DomainRefusal("swaps-of-the-day", f"At most {MOST_PROPOSALS} places are proposed in 24 hours.", 429)
    return swap


def agree(swap: ShiftSwap, shift: Shift, by: UUID, *, waited_for: bool, now: datetime) -> ShiftSwap | DomainRefusal:
    """The swap that the other volunteer wants: done, or agreed where others wait for a place."""
    if (refused := _check(swap, shift, (SwapState.PROPOSED,), now)) is not None:
        return refused
    return _decided(swap, SwapState.AGREED if waited_for else SwapState.DONE, by, now)


def approve(swap: ShiftSwap, shift: Shift, by: UUID, now: datetime) -> ShiftSwap | DomainRefusal:
    """The swap that the leader or the staff agree to, done."""
    if (refused := _check(swap, shift, (SwapState.AGREED,), now)) is not None:
        return refused
    return _decided(swap, SwapState.DONE, by, now)


def end(swap: ShiftSwap, by: UUID, *, own: bool, now: datetime) -> ShiftSwap | DomainRefusal:
    """The open swap withdrawn by the volunteer who has the place (``own``), or refused by others."""
    if swap.state not in (SwapState.PROPOSED, SwapState.AGREED):
        return _not_allowed(swap, (SwapState.PROPOSED, SwapState.AGREED))
    return _decided(swap, SwapState.WITHDRAWN if own else SwapState.REFUSED, by, now)


def _check(swap: ShiftSwap, shift: Shift, allowed: tuple[SwapState, ...], now: datetime) -> DomainRefusal | None:
    if swap.state not in allowed:
        return _not_allowed(swap, allowed)
    return _over(shift, now)


def _over(shift: Shift, now: datetime) -> DomainRefusal | None:
    if shift.cancelled_at is not None:
        return DomainRefusal("shift-cancelled", "This shift was called off; choose another one.")
    if now >= shift.starts_at:
        return DomainRefusal("swap-over", "This shift has begun, so its places are no longer passed on.")
    return None


def _not_allowed(swap: ShiftSwap, allowed: tuple[SwapState, ...]) -> DomainRefusal:
    names = [str(state) for state in allowed]
    detail = f"This swap is {swap.state}; it would have to be {' or '.join(names)}."
    return DomainRefusal("swap-decided", detail, extra={"state": str(swap.state), "allowed": names})


def _decided(swap: ShiftSwap, state: SwapState, by: UUID, now: datetime) -> ShiftSwap:
    return replace(swap, state=state, decided_by=by, decided_at=now, version=swap.version + 1)
