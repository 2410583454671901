"""The life of an e-mail: what may be tried again, and what may not."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

__all__ = [
    "ADDRESS_PAUSE",
    "RETRY_PERIOD",
    "Address",
    "AddressBook",
    "AttemptLease",
    "AttemptOutcome",
    "AttemptResult",
    "DeliveryStatus",
    "EndedDelivery",
    "Mailer",
    "back_off",
    "next_attempt",
    "settle",
]

RETRY_PERIOD = timedelta(hours=48)
"""Business time from the first attempt to the last; mail servers that are away come back within it."""
ADDRESS_PAUSE = timedelta(minutes=1)
"""Pause after the address book did not answer, which is no attempt at the letter."""
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=4)


class AttemptOutcome(StrEnum):
    """The known outcome of one attempt."""

    SENT = "sent"
    DEFERRED = "deferred"
    """Surely not sent: an explicit temporary refusal, or a failure before any byte of the letter left."""
    REFUSED = "refused"
    """The mail server refused the recipient or the letter for good."""
    UNDELIVERABLE = "undeliverable"
    """The address cannot be written to, or the letter cannot be made; no server was asked."""
    UNKNOWN = "unknown"
    """Bytes left and no answer came. Sending again could write to a person twice."""
    NO_ADDRESS = "no_address"


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    SENT = "sent"
    REFUSED = "refused"
    UNDELIVERED = "undelivered"
    """Every attempt within `RETRY_PERIOD` was deferred."""
    UNDELIVERABLE = "undeliverable"
    UNKNOWN = "unknown"
    NO_ADDRESS = "no_address"


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """An outcome and its reason: a code or class of failure, never a server's words, which repeat addresses."""

    outcome: AttemptOutcome
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AttemptLease:
    """The right to make one attempt, until its lease ends; ``first_attempt_at`` is business time."""

    event_id: UUID
    recipient_id: UUID
    message_id: UUID
    attempt: int
    template: str
    title: str
    body: str
    correlation_id: str
    first_attempt_at: datetime


@dataclass(frozen=True, slots=True)
class EndedDelivery:
    """A delivery that ended, or stands, otherwise than sent; ``reason`` is that of its last attempt."""

    event_id: UUID
    recipient_id: UUID
    channel: str
    status: str
    attempts: int
    updated_at: datetime
    template: str
    correlation_id: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Address:
    """Where to write and how to greet; kept no longer than the attempt."""

    email: str | None
    name: str


class AddressBook(Protocol):
    """Asks the home of personal data, at the moment of sending.

    Raises:
        TransientError: it does not answer.
    """

    async def find(self, volunteer_id: UUID) -> Address | None: ...


class Mailer(Protocol):
    """Makes one attempt and says what is known of it; never raises for what a server does."""

    async def send(self, claim: AttemptLease, title: str, body: str, recipient: str) -> AttemptResult: ...


def back_off(attempt: int) -> timedelta:
    """The pause after the given attempt: a minute, doubled each time, up to four hours."""
    doubled: timedelta = _FIRST_PAUSE * (1 << min(attempt - 1, 10))
    return min(doubled, _LONGEST_PAUSE)


def settle(result: AttemptResult, first_attempt_at: datetime, now: datetime) -> DeliveryStatus:
    """Where the delivery stands after an attempt: only a deferral waits for another, within `RETRY_PERIOD`."""
    if result.outcome is AttemptOutcome.DEFERRED:
        return DeliveryStatus.PENDING if now < first_attempt_at + RETRY_PERIOD else DeliveryStatus.UNDELIVERED
    return DeliveryStatus(result.outcome.value)


def next_attempt(attempt: int, first_attempt_at: datetime, now: datetime) -> datetime:
    """When to try again after a deferral; the last attempt is at the end of `RETRY_PERIOD`."""
    return max(now, min(now + back_off(attempt), first_attempt_at + RETRY_PERIOD))
