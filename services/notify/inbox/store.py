"""Messages to rows and back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.notify.templates.domain import Rendered
from shared.postgres import Tx, load_queries

__all__ = [
    "Draft",
    "InboxItem",
    "insert_messages",
    "mark_read",
    "page",
    "remember_stars",
    "remember_titles",
    "remember_versions",
    "stars",
    "titles",
    "unread",
    "versions",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Draft:
    """A message ready to be stored."""

    message_id: UUID
    event_id: UUID
    recipient_id: UUID
    correlation_id: str
    traceparent: str | None
    text: Rendered
    params: Mapping[str, Any]
    to_volunteer: bool = True


@dataclass(frozen=True, slots=True)
class InboxItem:
    """A stored message as its reader sees it; ``params`` is what it was made from, None for an old one."""

    message_id: UUID
    title: str
    body: str
    template: str
    created_at: datetime
    read_at: datetime | None
    correlation_id: str
    params: Mapping[str, Any] | None


async def versions(tx: Tx, aggregate_ids: Iterable[str]) -> dict[str, int]:
    """The highest version seen of each aggregate."""
    rows = await tx.fetch(_SQL["versions"], sorted(set(aggregate_ids)))
    return {row["aggregate_id"]: row["version"] for row in rows}


async def remember_versions(tx: Tx, found: Mapping[str, int]) -> None:
    """Raise what is known; never lowers it."""
    if found:
        ids = sorted(found)
        await tx.execute(_SQL["remember_versions"], ids, [found[i] for i in ids])


async def stars(tx: Tx, volunteer_ids: Iterable[UUID]) -> dict[UUID, int]:
    """The highest star each volunteer was notified of."""
    ids = sorted(set(volunteer_ids))
    if not ids:
        return {}
    return {row["volunteer_id"]: row["level"] for row in await tx.fetch(_SQL["stars"], ids)}


async def remember_stars(tx: Tx, found: Mapping[UUID, int]) -> None:
    """Store what each volunteer was last notified of."""
    if found:
        ids = sorted(found)
        await tx.execute(_SQL["remember_stars"], ids, [found[i] for i in ids])


async def titles(tx: Tx, activity_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The titles of activities, as far as they are known."""
    ids = sorted(set(activity_ids))
    if not ids:
        return {}
    return {row["activity_id"]: row["title"] for row in await tx.fetch(_SQL["titles"], ids)}


async def remember_titles(tx: Tx, found: Mapping[UUID, str]) -> None:
    """Keep the titles of activities not known yet."""
    if found:
        ids = sorted(found)
        await tx.execute(_SQL["remember_titles"], ids, [found[i] for i in ids])


async def insert_messages(tx: Tx, drafts: Sequence[Draft], at: datetime) -> set[UUID]:
    """Store drafts; returns the ids of those that were new."""
    if not drafts:
        return set()
    ordered = sorted(drafts, key=lambda draft: (draft.event_id, draft.recipient_id))
    rows = await tx.fetch(
        _SQL["insert_messages"],
        [d.message_id for d in ordered],
        [d.event_id for d in ordered],
        [d.recipient_id for d in ordered],
        [d.text.template for d in ordered],
        [d.text.version for d in ordered],
        [d.text.title for d in ordered],
        [d.text.body for d in ordered],
        [d.correlation_id for d in ordered],
        at,
        [orjson.dumps(d.params).decode() for d in ordered],
    )
    return {row["message_id"] for row in rows}


async def page(
    tx: Tx, recipient_id: UUID, after: tuple[datetime, UUID] | None, limit: int, role: UUID | None = None
) -> list[InboxItem]:
    """A recipient's messages and those of a role that they hold, newest first, after the given place."""
    at, message_id = after or (None, None)
    if role is None:
        rows = await tx.fetch(_SQL["page"], recipient_id, at, message_id, limit)
    else:
        rows = await tx.fetch(_SQL["page_with_role"], recipient_id, at, message_id, limit, role)
    return [_item(row) for row in rows]


async def unread(tx: Tx, recipient_id: UUID, role: UUID | None = None) -> int:
    """How many of a recipient's messages and of a role's are unread."""
    if role is None:
        count: int = await tx.fetchval(_SQL["unread"], recipient_id)
    else:
        count = await tx.fetchval(_SQL["unread_with_role"], recipient_id, role, await tx.now())
    return count


async def mark_read(
    tx: Tx, message_id: UUID, recipient_id: UUID, at: datetime, role: UUID | None = None
) -> InboxItem | None:
    """Mark one's own message read, or one of a role for oneself; None when there is no such message of theirs."""
    row = await tx.fetchrow(_SQL["mark_read"], message_id, recipient_id, at)
    if row is None and role is not None:
        row = await tx.fetchrow(_SQL["mark_role_read"], message_id, recipient_id, role, at)
    return _item(row) if row else None


def _item(row: Any) -> InboxItem:
    return InboxItem(
        row["message_id"],
        row["title"],
        row["body"],
        row["template"],
        row["created_at"],
        row["read_at"],
        row["correlation_id"],
        None if row["params"] is None else orjson.loads(row["params"]),
    )
