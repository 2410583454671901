"""The life of an e-mail: what may be tried again, and what may not."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

__all__ = [
    "MAX_ATTEMPTS",
    "Address",
    "AddressBook",
    "Claim",
    "Mailer",
    "Outcome",
    "Result",
    "Status",
    "back_off",
    "settle",
]

MAX_ATTEMPTS = 6
_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=1)


class Outcome(StrEnum):
    """What is known after one attempt."""

    SENT = "sent"
    DEFERRED = "deferred"
    """Surely not sent: an explicit temporary refusal, or a failure before any byte of the letter left."""
    REFUSED = "refused"
    """Surely not sent and never will be."""
    UNKNOWN = "unknown"
    """Bytes left and no answer came. Sending again could tell a person twice."""
    NO_ADDRESS = "no_address"


class Status(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    SENT = "sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NO_ADDRESS = "no_address"


@dataclass(frozen=True, slots=True)
class Result:
    """An outcome and its reason: a code or class of failure, never a server's words, which repeat addresses."""

    outcome: Outcome
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to make one attempt, until its lease ends."""

    event_id: UUID
    volunteer_id: UUID
    message_id: UUID
    attempt: int
    template: str
    title: str
    body: str
    correlation_id: str


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

    async def send(self, claim: Claim, title: str, body: str, recipient: str) -> Result: ...


def back_off(attempt: int) -> timedelta:
    """The pause after the given attempt: 30 s, doubled each time, up to an hour."""
    doubled: timedelta = _FIRST_PAUSE * (1 << min(attempt - 1, 10))
    return min(doubled, _LONGEST_PAUSE)


def settle(result: Result, attempt: int) -> Status:
    """Where the delivery stands after an attempt: only a deferral waits for another, and not for ever."""
    if result.outcome is Outcome.DEFERRED:
        return Status.PENDING if attempt < MAX_ATTEMPTS else Status.REFUSED
    return Status(result.outcome.value)
