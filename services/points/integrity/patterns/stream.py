"""Kafka in: sign-ups, registrations and drives, as far as patterns need them, and what became of proposed voids."""

from collections.abc import Sequence
from typing import Any

from services.points.integrity.patterns import store
from services.points.integrity.patterns.store import SignupRow
from services.points.integrity.proposals import store as proposals
from services.points.integrity.proposals.store import DecidedVoid
from shared import deadletters
from shared.cloudevents import Event, decode, other_types, type_of
from shared.contracts import DriveOpened, SignupPlaced, VoidsDecided, VoidsProposed, VolunteerRegistered
from shared.deadletters import DeadLetter
from shared.errors import PermanentError
from shared.kafka.consumer import Message
from shared.postgres import Database

__all__ = ["GROUP", "TOPICS", "ContextStream"]

GROUP = "points-context"
TOPICS = ("signups", "volunteers", "drives", "proposals")
_IGNORED = other_types(TOPICS, (SignupPlaced, VolunteerRegistered, DriveOpened, VoidsProposed, VoidsDecided))
"""Most of what lies on the topic of sign-ups: waiting lists, swaps, messages and reminders."""


class ContextStream:
    """The handler of the batch consumer."""

    def __init__(self, db: Database) -> None:
        self.database = db

    async def handle(self, messages: Sequence[Message]) -> None:
        """Keep places, drives, registrations and decisions on voids; other events of these topics are not decoded.

        Raises:
            TransientError: the same batch may be applied later.
        """
        found: list[Any] = []
        letters: list[DeadLetter] = []
        for message in messages:
            if type_of(message.headers) in _IGNORED:
                continue
            try:
                found.append(_read(message).data)
            except PermanentError as error:
                letters.append(DeadLetter(message, str(error)))
        if not found and not letters:
            return
        async with self.database.transaction() as tx:
            await store.keep_signups(tx, [_signup(one) for one in found if isinstance(one, SignupPlaced)])
            await store.keep_drives(
                tx, [(one.drive_id, one.site_id, one.ends_at) for one in found if isinstance(one, DriveOpened)]
            )
            await store.keep_registrations(
                tx,
                [
                    (one.volunteer_id, one.drive_id, one.registered_at)
                    for one in found
                    if isinstance(one, VolunteerRegistered) and one.drive_id is not None
                ],
            )
            await proposals.keep_proposed(
                tx, [(one.case_id, each) for one in found if isinstance(one, VoidsProposed) for each in one.record_ids]
            )
            await proposals.keep_decided(
                tx, [row for one in found if isinstance(one, VoidsDecided) for row in _decided(one)]
            )
            await deadletters.record(tx, letters, group=GROUP)

    async def dead_letter(self, message: Message, error: Exception) -> None:
        """Dead-letter a message that fails whenever it is applied.

        Raises:
            TransientError: the database is away.
        """
        async with self.database.transaction() as tx:
            await deadletters.record(tx, [DeadLetter(message, f"{type(error).__name__}: {error}")], group=GROUP)


def _read(message: Message) -> Event[Any]:
    event = decode(message.headers, message.value)
    if event.data.topic not in TOPICS:
        raise PermanentError(f"the event type {event.type!r} does not belong on this topic")
    return event


def _signup(data: SignupPlaced) -> SignupRow:
    return SignupRow(
        data.signup_id,
        data.shift_id,
        data.volunteer_id,
        data.source,
        data.placed_at,
        data.opened_at,
        data.places,
        data.starts_at,
    )


def _decided(data: VoidsDecided) -> list[DecidedVoid]:
    return [
        DecidedVoid(data.case_id, record_id, data.outcome, data.decided_by, data.site_id, data.decided_at)
        for record_id in data.record_ids
    ]
