"""Rows of messages to the people of a shift."""

from datetime import datetime
from uuid import UUID

from services.recruitment.signups.messages.domain import MessageKind, ShiftMessage
from shared.postgres import Tx, load_queries

__all__ = ["count_since", "insert_message", "is_of_shift", "list_messages", "lock_shift", "people_of"]

_SQL = load_queries(__file__)
SealedWords = tuple[bytes, bytes]
"""(wrapped key, sealed)"""


async def lock_shift(tx: Tx, shift_id: UUID) -> None:
    """Lock the shift; read in later statements."""
    await tx.fetchval(_SQL["lock_shift"], shift_id)


async def people_of(tx: Tx, shift_id: UUID) -> list[UUID]:
    """The volunteers who have a place in the shift or a record of it, by id."""
    return [row["volunteer_id"] for row in await tx.fetch(_SQL["people_of"], shift_id)]


async def is_of_shift(tx: Tx, shift_id: UUID, volunteer_id: UUID) -> bool:
    """Whether the volunteer has a place in the shift or a record of it."""
    return bool(await tx.fetchval(_SQL["is_of_shift"], shift_id, volunteer_id))


async def count_since(tx: Tx, shift_id: UUID, since: datetime) -> int:
    """The number of messages of the shift after an instant."""
    return int(await tx.fetchval(_SQL["count_since"], shift_id, since))


async def insert_message(tx: Tx, message: ShiftMessage, wrapped_key: bytes | None, sealed: bytes | None) -> None:
    """Keep a message."""
    await tx.execute(
        _SQL["insert_message"],
        message.message_id,
        message.shift_id,
        message.kind,
        wrapped_key,
        sealed,
        message.sent_by,
        message.by_staff,
        message.sent_at,
        message.recipients,
    )


async def list_messages(tx: Tx, shift_id: UUID) -> list[tuple[ShiftMessage, SealedWords | None]]:
    """The messages of a shift with their sealed words, newest first."""
    found: list[tuple[ShiftMessage, SealedWords | None]] = []
    for row in await tx.fetch(_SQL["list_messages"], shift_id):
        message = ShiftMessage(
            message_id=row["message_id"],
            shift_id=shift_id,
            kind=MessageKind(row["kind"]),
            words=None,
            sent_by=row["sent_by"],
            by_staff=row["by_staff"],
            sent_at=row["sent_at"],
            recipients=row["recipients"],
        )
        found.append((message, None if row["sealed"] is None else (row["wrapped_key"], row["sealed"])))
    return found
