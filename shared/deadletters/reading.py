"""Reads dead letters and replays for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from asyncpg import Record

from shared.postgres import Tx, load_queries

__all__ = [
    "LetterFilter",
    "find_letter",
    "find_replay",
    "letters_of_event",
    "list_groups",
    "list_letters",
    "list_replays",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Which letters are listed; None leaves a part open."""

    status: str
    consumer_group: str | None = None
    event_type: str | None = None
    group_id: str | None = None
    event_id: str | None = None


async def list_letters(tx: Tx, wanted: LetterFilter, before: int | None, limit: int) -> list[Record]:
    """A page, newest first."""
    filters = (wanted.consumer_group, wanted.event_type, wanted.group_id, wanted.event_id)
    return await tx.fetch(_SQL["list_dead_letters"], wanted.status, before, limit, *filters)


async def list_groups(tx: Tx, status: str, limit: int) -> list[Record]:
    """The letters that failed alike, the most first."""
    return await tx.fetch(_SQL["list_groups"], status, limit)


async def find_letter(tx: Tx, letter_id: int) -> Record | None:
    """One letter with its bytes."""
    return await tx.fetchrow(_SQL["find_letter"], letter_id)


async def letters_of_event(tx: Tx, event_id: str) -> Sequence[Record]:
    """The letters of one event, of all consumers."""
    return await tx.fetch(_SQL["letters_of_event"], event_id)


async def find_replay(tx: Tx, replay_id: UUID) -> Record | None:
    """The progress of one replay."""
    return await tx.fetchrow(_SQL["find_replay"], replay_id)


async def list_replays(tx: Tx, limit: int) -> list[Record]:
    """The newest replays."""
    return await tx.fetch(_SQL["list_replays"], limit)
