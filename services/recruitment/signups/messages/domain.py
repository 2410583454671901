"""Messages to the people of a shift: which ones may be sent, and when. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal, Shift

__all__ = ["MOST_A_DAY", "REACH", "MessageKind", "ShiftMessage", "compose"]

MOST_A_DAY = 6
"""Messages of one shift within 24 hours: more of them are a call for a phone."""
REACH = timedelta(days=7)
"""How long after the end of a shift its people can still be written to."""


class MessageKind(StrEnum):
    """The subject of a message; ``other`` says it in words."""

    MEETING = "meeting"
    BRING = "bring"
    WEATHER = "weather"
    PLACE = "place"
    THANKS = "thanks"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ShiftMessage:
    """One message to everybody with a place in a shift or a record of it."""

    message_id: UUID
    shift_id: UUID
    kind: MessageKind
    words: str | None
    sent_by: UUID
    by_staff: bool
    sent_at: datetime
    recipients: int = 0


def compose(message: ShiftMessage, shift: Shift, *, lately: int) -> ShiftMessage | DomainRefusal:
    """The message, or why it is not sent; ``lately`` counts the messages of the shift within 24 hours."""
    if message.kind is MessageKind.OTHER and message.words is None:
        return DomainRefusal("words-missing", "A message without a subject of the list needs words.", 422)
    if message.recipients == 0:
        return DomainRefusal("recipients-missing", "There are no volunteers with a place in this shift to write to.")
    if message.sent_at > shift.ends_at + REACH:
        return DomainRefusal("shift-over", f"This shift ended more than {REACH.days} days ago.")
    if lately >= MOST_A_DAY:
        return DomainRefusal(
            "messages-too-many",
            f"At most {MOST_A_DAY} messages to one shift within 24 hours.",
            429,
            extra={"limit": MOST_A_DAY},
        )
    return message
