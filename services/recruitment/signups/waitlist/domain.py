"""The waitlist of a shift: who waits for a place, and to whom a free one goes. Pure; the order is that of arrival.

A free place goes to the first who can take it: at once until `WaitlistPolicy.direct_until` before the start, from then
on as an offer to accept. Those who cannot take it keep their position.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal, Shift, State

__all__ = [
    "DEFAULT_POLICY",
    "Candidate",
    "EndReason",
    "EntryStatus",
    "Joining",
    "SkipReason",
    "WaitlistEntry",
    "WaitlistPolicy",
    "accept",
    "distribute",
    "end_reason",
    "finish",
    "gives_places",
    "is_live",
    "join",
    "lapses",
    "place_entry",
    "withdraw",
]


class EntryStatus(StrEnum):
    """The states of an entry; those after the first two are final."""

    WAITING = "waiting"
    OFFERED = "offered"
    PLACED = "placed"
    LEFT = "left"
    DECLINED = "declined"
    LAPSED = "lapsed"
    CLOSED = "closed"


class SkipReason(StrEnum):
    """Why a free place went to the next: another shift at the time, or what the activity asks for is missing."""

    OVERLAP = "overlap"
    INELIGIBLE = "ineligible"


class EndReason(StrEnum):
    """How waiting ended without a place."""

    LEFT = "left"
    DECLINED = "declined"
    LAPSED = "lapsed"
    CALLED_OFF = "called-off"
    BEGUN = "begun"
    ACTIVITY_CLOSED = "activity-closed"


_ENDS = {
    EndReason.LEFT: EntryStatus.LEFT,
    EndReason.DECLINED: EntryStatus.DECLINED,
    EndReason.LAPSED: EntryStatus.LAPSED,
}


@dataclass(frozen=True, slots=True)
class WaitlistPolicy:
    """When free places are offered instead of given, and for how long an offer stands."""

    direct_until: timedelta = timedelta(hours=12)
    offer_for: timedelta = timedelta(hours=2)


DEFAULT_POLICY = WaitlistPolicy()


@dataclass(frozen=True, slots=True)
class WaitlistEntry:
    """One volunteer's position in the waitlist of one shift; ``skipped`` is why a free place went to the next."""

    entry_id: UUID
    shift_id: UUID
    volunteer_id: UUID
    position: int
    status: EntryStatus
    joined_by: UUID
    joined_at: datetime
    offer_until: datetime | None = None
    signup_id: UUID | None = None
    skipped: SkipReason | None = None
    ended_at: datetime | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Joining:
    """The state that joining is decided on, read under the locks of volunteer and shift."""

    shift: Shift
    activity_state: State
    own: WaitlistEntry | None
    """The volunteer's live entry."""
    signup_id: UUID | None
    """The volunteer's sign-up for this shift."""
    overlapping: UUID | None
    """A shift at the same time that the volunteer is signed up for."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A waiting entry, why it cannot take a place now if so, and the id of the sign-up if it gets one."""

    entry: WaitlistEntry
    signup_id: UUID
    blocked: SkipReason | None = None


def is_live(entry: WaitlistEntry) -> bool:
    """Whether the volunteer still waits, or has an offer."""
    return entry.status in (EntryStatus.WAITING, EntryStatus.OFFERED)


def gives_places(shift: Shift, state: State, now: datetime) -> bool:
    """Whether free places of the shift go to its waitlist now."""
    return state is State.OPEN and shift.cancelled_at is None and now < shift.starts_at


def join(state: Joining, entry: WaitlistEntry, now: datetime) -> WaitlistEntry | DomainRefusal:
    """The entry, or why there is none. Whether a place is free is decided before."""
    shift = state.shift
    if shift.cancelled_at is not None:
        return DomainRefusal("shift-cancelled", "This shift was called off; choose another one.")
    if state.activity_state is not State.OPEN:
        return DomainRefusal("activity-not-open", f"The activity is {state.activity_state}; sign-up is for open ones.")
    if now >= shift.starts_at:
        return DomainRefusal(
            "shift-begun", "This shift has begun, so its waitlist is closed; free places go to arrivals."
        )
    if state.signup_id is not None:
        extra = {"signup_id": str(state.signup_id)}
        return DomainRefusal("already-signed-up", "There is a sign-up for this shift already.", extra=extra)
    if state.own is not None:
        extra = {"entry_id": str(state.own.entry_id), "state": str(state.own.status)}
        return DomainRefusal("already-waiting", "There is a place in this waitlist already.", extra=extra)
    if state.overlapping is not None:
        return DomainRefusal(
            "signup-overlaps",
            "This shift overlaps another one that was signed up for; cancel that one first.",
            extra={"shift_id": str(state.overlapping)},
        )
    return entry


def distribute(
    waiting: Sequence[Candidate], free: int, shift: Shift, policy: WaitlistPolicy, now: datetime
) -> list[WaitlistEntry]:
    """The entries that change when places are free: placed or offered, the first first, and those skipped anew."""
    direct = now < shift.starts_at - policy.direct_until
    changed: list[WaitlistEntry] = []
    for candidate in sorted(waiting, key=lambda each: each.entry.position):
        if free == 0:
            break
        entry = candidate.entry
        if candidate.blocked is not None:
            if entry.skipped is not candidate.blocked:
                changed.append(replace(entry, skipped=candidate.blocked, version=entry.version + 1))
            continue
        free -= 1
        if direct:
            changed.append(place_entry(entry, candidate.signup_id, now))
        else:
            until = min(now + policy.offer_for, shift.starts_at)
            changed.append(
                replace(entry, status=EntryStatus.OFFERED, offer_until=until, skipped=None, version=entry.version + 1)
            )
    return changed


def place_entry(entry: WaitlistEntry, signup_id: UUID, now: datetime) -> WaitlistEntry:
    """The entry with its place."""
    return replace(
        entry,
        status=EntryStatus.PLACED,
        signup_id=signup_id,
        skipped=None,
        offer_until=None,
        ended_at=now,
        version=entry.version + 1,
    )


def accept(entry: WaitlistEntry, shift: Shift, now: datetime) -> DomainRefusal | None:
    """Why the offered place cannot be taken; None if it can."""
    if entry.status is not EntryStatus.OFFERED:
        return _not(entry, "accept", (EntryStatus.OFFERED,))
    if lapses(entry, shift, now):
        return DomainRefusal("offer-over", "This offer is over; the place goes to the next who waits.")
    return None


def withdraw(entry: WaitlistEntry, now: datetime) -> WaitlistEntry | DomainRefusal:
    """The entry ended by the volunteer: an offer is declined, a position left."""
    if not is_live(entry):
        return _not(entry, "leave", (EntryStatus.WAITING, EntryStatus.OFFERED))
    return finish(entry, EndReason.DECLINED if entry.status is EntryStatus.OFFERED else EndReason.LEFT, now)


def lapses(entry: WaitlistEntry, shift: Shift, now: datetime) -> bool:
    """Whether the offer is over: by its own end, or because the shift begins."""
    return entry.status is EntryStatus.OFFERED and (
        entry.offer_until is None or now >= min(entry.offer_until, shift.starts_at)
    )


def end_reason(shift: Shift, state: State, now: datetime) -> EndReason | None:
    """Why the whole list ends; None while it goes on."""
    if shift.cancelled_at is not None:
        return EndReason.CALLED_OFF
    if state is not State.OPEN:
        return EndReason.ACTIVITY_CLOSED
    return EndReason.BEGUN if now >= shift.starts_at else None


def finish(entry: WaitlistEntry, reason: EndReason, now: datetime) -> WaitlistEntry:
    """The live entry ended for the reason."""
    status = _ENDS.get(reason, EntryStatus.CLOSED)
    return replace(entry, status=status, offer_until=None, ended_at=now, version=entry.version + 1)


def _not(entry: WaitlistEntry, act: str, allowed: Sequence[EntryStatus]) -> DomainRefusal:
    names = [str(status) for status in allowed]
    detail = (
        f"This entry of the waitlist is {entry.status}; only one that is {' or '.join(names)} can be used to {act}."
    )
    return DomainRefusal("waitlist-entry-ended", detail, extra={"state": str(entry.status), "allowed": names})
