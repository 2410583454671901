"""Builds the entries of a posting: its transfers as rows and the event about it, for everything that posts. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.points.ledger import events
from services.points.ledger.buckets import BucketChange, Movement, Reason, VolunteerRow
from services.points.ledger.domain import AVAILABLE, ISSUANCE, Transfer
from services.points.ledger.events import OutboxRow
from shared.clock import stored_instant

__all__ = ["Entries", "TransferRow"]

TransferRow = tuple[Any, ...]
_NOWHERE = (None, None)


class Entries:
    """The entries of one commit: ``transfers`` are rows to write, ``outbox`` events to publish."""

    def __init__(self, now: datetime, emitted_at: datetime) -> None:
        self.now = now
        self.transfers: list[TransferRow] = []
        self.outbox: list[OutboxRow] = []
        self._now = events.instant(now)
        self._stored_now = stored_instant(now)
        self._emitted_at = events.instant(emitted_at)

    def add(self, volunteer: VolunteerRow, movement: Movement) -> None:
        """Add a posting, whose outcome the volunteer's figures are; an award that moved nothing in all has no event."""
        reason, amount, transfers, cause, award = movement
        volunteer_id, version = volunteer.volunteer_id, volunteer.version + 1
        if award is None:
            posting_id = events.posting_id(volunteer_id, reason, version)
            source: tuple[Any, ...] = (None, None)
        else:
            posting_id = events.posting_id(volunteer_id, award[0], award[1])
            source = award[1:]
        posted, stored = self._now, self._stored_now
        if volunteer.updated_at > self.now:
            posted, stored = events.instant(volunteer.updated_at), stored_instant(volunteer.updated_at)
        tail = (posting_id, cause.event_id, cause.correlation_id, stored)
        self.transfers += _rows(volunteer_id, transfers, source, tail)
        if award is not None and not amount:
            return
        volunteer.version = version
        self.outbox.append(events.points_posted(posting_id, volunteer, movement, posted, self._emitted_at))

    def grant(self, volunteer: VolunteerRow, change: BucketChange, expires_on: date, amount: int) -> None:
        """Add a plain grant, as `add` does a movement of one transfer into the award's own lot.

        Most postings are such; a test holds them to what `add` makes of them.
        """
        volunteer_id, bucket, _, new, _, cause = change
        award = (bucket, new.version, new.rule_version)
        posting_id = events.posting_id(volunteer_id, bucket, award[1])
        posted, stored = self._now, self._stored_now
        if volunteer.updated_at > self.now:
            posted, stored = events.instant(volunteer.updated_at), stored_instant(volunteer.updated_at)
        lot = (bucket, expires_on)
        head = (volunteer_id, "award", ISSUANCE, AVAILABLE, amount, *lot, award[1], award[2])
        self.transfers.append((*head, *lot, None, posting_id, cause.event_id, cause.correlation_id, stored))
        volunteer.version += 1
        moved: tuple[Reason, int] = ("award", amount)
        self.outbox.append(events.posted_event(posting_id, volunteer, moved, cause, award, posted, self._emitted_at))


def _rows(
    volunteer_id: UUID, transfers: Sequence[Transfer], source: tuple[Any, ...], tail: tuple[Any, ...]
) -> Iterator[TransferRow]:
    """Transfers as they are written; only those that an award's change brought about name its versions."""
    for code, debit, credit, amount, award, lot, pending in transfers:
        head = volunteer_id, code, debit, credit, amount
        end = (*(lot or _NOWHERE), pending, *tail)
        if award is None:
            yield *head, None, None, None, None, *end
        else:
            yield *head, *award, *source, *end
