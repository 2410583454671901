"""Rows of rectifications; words are opened by those who may read them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.recruitment.rectifications.domain import Rectification, RectificationOutcome
from services.recruitment.vault.cipher import Cipher
from shared.postgres import Tx, load_queries

__all__ = [
    "answer_rectification",
    "find_rectification",
    "has_to_do",
    "insert_rectification",
    "list_rectifications",
    "waits",
]

_SQL = load_queries(__file__)


async def has_to_do(tx: Tx, shift_id: UUID, volunteer_id: UUID) -> bool:
    """Whether the volunteer signed up for the shift or has a record of it, whatever became of them."""
    return bool(await tx.fetchval(_SQL["has_to_do"], shift_id, volunteer_id))


async def waits(tx: Tx, shift_id: UUID, volunteer_id: UUID) -> bool:
    """Whether a request of the volunteer about the shift is not answered yet."""
    return bool(await tx.fetchval(_SQL["waits"], shift_id, volunteer_id))


async def insert_rectification(tx: Tx, cipher: Cipher, asked: Rectification, words: str) -> None:
    """Keep a request, its words sealed for the volunteer."""
    sealed = cipher.seal_text(asked.volunteer_id, words)
    await tx.execute(
        _SQL["insert_rectification"],
        asked.rectification_id,
        asked.shift_id,
        asked.volunteer_id,
        *sealed,
        asked.asked_at,
    )


async def find_rectification(tx: Tx, rectification_id: UUID) -> Rectification | None:
    """One request without its words, locked."""
    row = await tx.fetchrow(_SQL["find_rectification"], rectification_id)
    return None if row is None else _asked(row)


async def answer_rectification(tx: Tx, cipher: Cipher, answered: Rectification, words: str) -> bool:
    """Keep the answer, sealed for the volunteer; False when there is one already."""
    sealed = cipher.seal_text(answered.volunteer_id, words)
    return bool(
        await tx.fetchval(
            _SQL["answer_rectification"],
            answered.rectification_id,
            answered.outcome,
            *sealed,
            answered.answered_by,
            answered.answered_at,
        )
    )


async def list_rectifications(
    tx: Tx,
    cipher: Cipher,
    *,
    volunteer_id: UUID | None,
    site_ids: Sequence[UUID] | None,
    answered: bool | None,
    shift_id: UUID | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Rectification]:
    """A page of requests with their words, newest first."""
    rows = await tx.fetch(
        _SQL["list_rectifications"], volunteer_id, site_ids, answered, shift_id, *(before or (None, None)), limit
    )
    return [
        replace(
            _asked(row),
            words=cipher.open_text(row["volunteer_id"], row["wrapped_key"], row["sealed"]),
            answer=None
            if row["answer_key"] is None
            else cipher.open_text(row["volunteer_id"], row["answer_key"], row["answer_sealed"]),
        )
        for row in rows
    ]


def _asked(row: Any) -> Rectification:
    return Rectification(
        rectification_id=row["rectification_id"],
        shift_id=row["shift_id"],
        activity_id=row["activity_id"],
        site_id=row["site_id"],
        volunteer_id=row["volunteer_id"],
        volunteer_number=row["volunteer_number"],
        title=row["title"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        asked_at=row["asked_at"],
        outcome=None if row["outcome"] is None else RectificationOutcome(row["outcome"]),
        answered_by=row["answered_by"],
        answered_at=row["answered_at"],
    )
