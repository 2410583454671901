"""Around the shifts of a volunteer: the waitlist, swaps, messages, and answers about records."""

from typing import ClassVar, Literal
from uuid import UUID

from shared.contracts.base import Contract, Instant

__all__ = [
    "RectificationAnswered",
    "ShiftMessageSent",
    "WaitlistEnded",
    "WaitlistJoined",
    "WaitlistOffered",
    "WaitlistPromoted",
    "WaitlistSkipped",
]


class WaitlistJoined(Contract):
    """A volunteer waits for a place in a full shift."""

    topic: ClassVar[str] = "signups"
    type: ClassVar[str] = "volunteering.waitlist.joined.v1"
    key: ClassVar[str] = "volunteer_id"
    aggregate: ClassVar[str] = "entry_id"

    entry_id: UUID
    volunteer_id: UUID
    shift_id: UUID
    activity_id: UUID
    activity_title: str
    site_id: UUID
    starts_at: Instant
    ends_at: Instant
    rank: int
    joined_at: Instant


class WaitlistPromoted(Contract):
    """A volunteer of the waitlist got a place; its sign-up has an event of its own."""

    topic: ClassVar[str] = "signups"
    type: ClassVar[str] = "volunteering.waitlist.promoted.v1"
    key: ClassVar[str] = "volunteer_id"
    aggregate: ClassVar[str] = "entry_id"

    entry_id: UUID
    volunteer_id: UUID
    shift_id: UUID
    activity_id: UUID
    activity_title: str
    site_id: UUID
    starts_at: Instant
    ends_at: Instant
    signup_id: UUID
    promoted_at: Instant


class WaitlistOffered(Contract):
    """A place is kept for the first of the waitlist until it is accepted or the offer is over."""

    topic: ClassVar[str] = "signups"
    type: ClassVar[str] = "volunteering.waitlist.offered.v1"
    key: ClassVar[str] = "volunteer_id"
    aggregate: ClassVar[str] = "entry_id"

    entry_id: UUID
    volunteer_id: UUID
    shift_id: UUID
    activity_id: UUID
    activity_title: str
    site_id: UUID
    starts_at: Instant
    ends_at: Instant
    offered_at: Instant
    offer_until: Instant


class WaitlistSkipped(Contract):
    """A free place went to the next of the waitlist; the volunteer keeps the position."""

    topic: ClassVar[str] = "signups"
    type: ClassVar[str] = "volunteering.waitlist.skipped.v1"
    key: ClassVar[str] = "volunteer_id"
    aggregate: ClassVar[str] = "entry_id"

    entry_id: UUID
    volunteer_id: UUID
    shift_id: UUID
    activity_id: UUID
    site_id: UUID
    cause: Literal["overlap", "ineligible"]
    skipped_at: Instant


class WaitlistEnded(Contract):
    """A volunteer no longer waits, and has no place."""

    topic: ClassVar[str] = "signups"
    type: ClassVar[str] = "volunteering.waitlist.ended.v1"
    key: ClassVar[str] = "volunteer_id"
    aggregate: ClassVar[str] = "entry_id"

    entry_id: UUID
    volunteer_id: UUID
    shift_id: UUID
    activity_id: UUID
    site_id: UUID
    cause: Literal["left", "declined", "lapsed", "called-off", "begun", "activity-closed"]
    ended_at: Instant


class SwapProposed(Contract):
    """A volunteer wants to pass a place on to this one."""

    topic: ClassVar[str] = "signups"
    type: ClassVar[str] = "volunteering.swap.proposed.v1"
    key: ClassVar[str] = "volunteer_id"
    aggregate: ClassVar[str] = "swap_id"

    swap_id: UUID
    volunteer_id: UUID
    shift_id: UUID
    activity_id: UUID
    activity_title: str
    site_id: UUID
    starts_at: Instant
    proposed_at: Instant


class SwapDecided(Contract):
    """It was decided whether a place is passed on: agreed, so that the leader decides, or not."""

    topic: ClassVar[str] = "signups"
    type: ClassVar[str] = "volunteering.swap.decided.v1"
    key: ClassVar[str] = "volunteer_id"
    aggregate: ClassVar[str] = "swap_id"

    swap_id: UUID
    volunteer_id: UUID
    shift_id: UUID
    activity_id: UUID
    site_id: UUID
    outcome: Literal["agreed", "refused", "withdrawn"]
    decided_at: Instant


class ShiftReminder(Contract):
    """A shift that a volunteer signed up for is near."""

    topic: ClassVar[str] = "signups"
    type: ClassVar[str] = "volunteering.signup.reminder.v1"
    key: ClassVar[str] = "volunteer_id"
    aggregate: ClassVar[str] = "signup_id"

    signup_id: UUID
    volunteer_id: UUID
    shift_id: UUID
    activity_id: UUID
    activity_title: str
    site_id: UUID
    starts_at: Instant
    hours: int
    reminded_at: Instant


class ShiftMessageSent(Contract):
    """The leader or the staff wrote to the people of a shift; their own words are no part of the event."""

    topic: ClassVar[str] = "signups"
    type: ClassVar[str] = "volunteering.shift.message-sent.v1"
    key: ClassVar[str] = "volunteer_id"
    aggregate: ClassVar[str] = "message_id"

    message_id: UUID
    volunteer_id: UUID
    shift_id: UUID
    activity_id: UUID
    activity_title: str
    site_id: UUID
    starts_at: Instant
    subject: Literal["meeting", "bring", "weather", "place", "thanks", "other"]
    extended: bool
    sent_at: Instant


class RectificationAnswered(Contract):
    """A site answered what a volunteer pointed out about a record of a shift; both texts are no part of the event."""

    topic: ClassVar[str] = "signups"
    type: ClassVar[str] = "volunteering.rectification.answered.v1"
    key: ClassVar[str] = "volunteer_id"
    aggregate: ClassVar[str] = "rectification_id"

    rectification_id: UUID
    volunteer_id: UUID
    shift_id: UUID
    activity_id: UUID
    activity_title: str
    site_id: UUID
    starts_at: Instant
    outcome: Literal["corrected", "kept"]
    answered_at: Instant
