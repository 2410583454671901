"""Deliveries: queued with the message, attempted once at a time, and never blindly again."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from services.notify.deliveries import store
from services.notify.deliveries.domain import (
    ADDRESS_PAUSE,
    AddressBook,
    AttemptLease,
    AttemptOutcome,
    AttemptResult,
    DeliveryStatus,
    Mailer,
    next_attempt,
    settle,
)
from services.notify.preferences import store as preferences_store
from services.notify.preferences.domain import DEFAULT, quiet_until
from services.notify.templates.handlers import Catalogue
from shared import outbox
from shared.clock import real_now
from shared.cloudevents import Event
from shared.contracts import MessageDelivered
from shared.errors import PermanentError, TransientError
from shared.ids import derived_id
from shared.postgres import Database, Tx
from shared.telemetry import trace
from shared.waiting import wait_for_event

__all__ = ["NewMessage", "Postman", "claim", "enqueue", "expire", "record_result", "withdraw"]

log = structlog.get_logger(__name__)
SOURCE = "weiguang/notify"
_ANNOUNCED = (
    DeliveryStatus.SENT,
    DeliveryStatus.REFUSED,
    DeliveryStatus.UNDELIVERED,
    DeliveryStatus.UNDELIVERABLE,
    DeliveryStatus.UNKNOWN,
)


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message that was just made, to be delivered through its channels."""

    message_id: UUID
    event_id: UUID
    recipient_id: UUID
    template: str
    correlation_id: str
    traceparent: str | None = None
    to_volunteer: bool = True
    """Whether the recipient is a volunteer; else a member of staff, of whom no `MessageDelivered` is published."""


async def enqueue(tx: Tx, messages: Sequence[NewMessage]) -> None:
    """Deliver to inboxes, announce it, and queue e-mails for those who asked for them."""
    if not messages:
        return
    now = await tx.now()
    await store.insert_inbox(tx, [(m.event_id, m.recipient_id, m.message_id) for m in messages], now)
    chosen = await preferences_store.of_many(tx, (m.recipient_id for m in messages))
    wanted = [m for m in messages if chosen.get(m.recipient_id, DEFAULT).email]
    await store.insert_email(tx, [(m.event_id, m.recipient_id, m.message_id) for m in wanted], now)
    at = real_now()
    delivered = []
    for message in (each for each in messages if each.to_volunteer):
        data = MessageDelivered(
            message_id=message.message_id,
            volunteer_id=message.recipient_id,
            event_id=message.event_id,
            channel="inbox",
            template=message.template,
            status="sent",
            at=at,
        )
        with trace.bind(message.traceparent, message.correlation_id):
            delivered.append(_announcement(data, message.correlation_id, 1))
    await outbox.append(tx, *delivered)


def _announcement(data: MessageDelivered, correlation_id: str, version: int) -> Event[MessageDelivered]:
    return outbox.event(
        data,
        source=SOURCE,
        aggregate_version=version,
        id=derived_id("delivered", data.message_id, data.channel, data.status, version),
        correlation_id=correlation_id,
        causation_id=str(data.event_id),
    )


async def claim(db: Database, limit: int, lease: timedelta) -> list[AttemptLease]:
    """Take up to ``limit`` e-mails to attempt, committed as ``attempting`` when this returns.

    Those whose volunteer turned e-mail off are suppressed; in quiet hours they wait for their end.

    Raises:
        TransientError: the database is away.
    """
    async with db.transaction() as tx:
        now = await tx.now()
        found = await store.due(tx, now, limit)
        chosen = await preferences_store.of_many(tx, (c.recipient_id for c in found))
        off = [c for c in found if not chosen.get(c.recipient_id, DEFAULT).email]
        on = [c for c in found if chosen.get(c.recipient_id, DEFAULT).email]
        quiet = {
            (c.event_id, c.recipient_id): until
            for c in on
            if (until := quiet_until(chosen[c.recipient_id], now)) is not None
        }
        taken = [c for c in on if (c.event_id, c.recipient_id) not in quiet]
        await store.suppress(tx, off)
        await store.postpone(tx, quiet)
        await store.begin(tx, taken, lease)
    return taken


async def record_result(db: Database, claimed: AttemptLease, result: AttemptResult) -> bool:
    """Write down what is known of an attempt; False when something was known already.

    Raises:
        TransientError: the database is away; the lease will make the attempt unknown.
    """
    async with db.transaction() as tx:
        await store.lock(tx, claimed)
        return await _finish(tx, claimed, result)


async def withdraw(db: Database, claimed: AttemptLease) -> bool:
    """Undo a claim for which no server was asked: it costs no attempt. False when a result is recorded already.

    Raises:
        TransientError: the database is away; the lease will make the attempt unknown.
    """
    async with db.transaction() as tx:
        await store.lock(tx, claimed)
        return await store.withdraw(tx, claimed, await tx.now() + ADDRESS_PAUSE)


async def expire(db: Database) -> int:
    """Attempts whose lease ran out become unknown, never pending; returns how many."""
    async with db.transaction() as tx:
        found = await store.expired(tx)
        for claimed in found:
            await _finish(tx, claimed, AttemptResult(AttemptOutcome.UNKNOWN, "lease expired"))
    return len(found)


async def _finish(tx: Tx, claimed: AttemptLease, result: AttemptResult) -> bool:
    now = await tx.now()
    status = settle(result, claimed.first_attempt_at, now)
    again_at = (
        next_attempt(claimed.attempt, claimed.first_attempt_at, now) if status is DeliveryStatus.PENDING else None
    )
    if not await store.finish(tx, claimed, result, status, again_at):
        return False
    if status in _ANNOUNCED:
        data = MessageDelivered(
            message_id=claimed.message_id,
            volunteer_id=claimed.recipient_id,
            event_id=claimed.event_id,
            channel="email",
            template=claimed.template,
            status=status.value,
            at=real_now(),
        )
        # The inbox delivery is version 1 of the message; an attempt overtaking its expiry is later than the expiry.
        version = 1 + 2 * claimed.attempt + (status is not DeliveryStatus.UNKNOWN)
        await outbox.append(tx, _announcement(data, claimed.correlation_id, version))
    return True


class Postman:
    """Sends what is due, a few at a time, until asked to stop."""

    def __init__(self, db: Database, catalogue: Catalogue, book: AddressBook, mailer: Mailer, lease: timedelta) -> None:
        self._db = db
        self._catalogue = catalogue
        self._book = book
        self._mailer = mailer
        self._lease = lease

    async def run(self, stop: asyncio.Event, wake: asyncio.Event, *, idle: float = 1.0, at_once: int = 8) -> None:
        """Look for due e-mails when woken and every ``idle`` seconds; troubles of the database are waited out."""
        while not stop.is_set():
            wake.clear()  # before the work, so that a wake-up during it is not lost
            try:
                await expire(self._db)
                while not stop.is_set() and await self.round(at_once):
                    pass
            except TransientError as error:
                log.warning("deliveries.postponed", reason=str(error))
            await wait_for_event(wake, idle)

    async def round(self, at_once: int) -> int:
        """Claim a few, attempt them all, record each result; returns how many attempts were made."""
        claims = await claim(self._db, at_once, self._lease)
        results = await asyncio.gather(*(self._attempt(claimed) for claimed in claims), return_exceptions=True)
        for error in (result for result in results if isinstance(result, BaseException)):
            raise error
        return sum(1 for attempted in results if attempted)

    async def _attempt(self, claimed: AttemptLease) -> bool:
        result = await self._try(claimed)
        if result is None:
            log.info("email.withdrawn", message_id=str(claimed.message_id), reason="address unavailable")
            await withdraw(self._db, claimed)
            return False
        log.info("email.attempted", message_id=str(claimed.message_id), outcome=result.outcome, reason=result.reason)
        await record_result(self._db, claimed, result)
        return True

    async def _try(self, claimed: AttemptLease) -> AttemptResult | None:
        """The outcome of one attempt; None when the address book did not answer, so that none was made."""
        try:
            address = await self._book.find(claimed.recipient_id)
        except TransientError:
            return None
        if address is None or not address.email:
            return AttemptResult(AttemptOutcome.NO_ADDRESS)
        try:
            letter = self._catalogue.render(
                "email_letter", {"name": address.name, "title": claimed.title, "body": claimed.body}
            )
        except PermanentError:
            return AttemptResult(AttemptOutcome.UNDELIVERABLE, "letter cannot be rendered")
        return await self._mailer.send(claimed, letter.title, letter.body, address.email)
