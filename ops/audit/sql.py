"""The audit's queries, streamed: a big ledger is read in constant memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

from shared.postgres import Tx, load_queries

__all__ = ["SQL", "VolunteerRange", "by_volunteer", "rows"]

SQL = load_queries(__file__)
PREFETCH = 1000
_PORTION = 4000
_IDS = 2**128


class VolunteerRange(NamedTuple):
    """Volunteers from one id to another, both inclusive."""

    first: UUID
    last: UUID

    @classmethod
    def between(cls, firsts: Sequence[UUID]) -> list[VolunteerRange]:
        """Ranges that hold every id there can be; each of ``firsts``, sorted, begins one."""
        starts = [0, *(first.int for first in firsts), _IDS]
        return [cls(UUID(int=start), UUID(int=end - 1)) for start, end in pairwise(starts) if start < end]


async def rows(tx: Tx, name: str) -> AsyncIterator[Any]:
    """Rows of a named query, fetched in portions of `PREFETCH`."""
    async for row in tx.conn.cursor(SQL[name], prefetch=PREFETCH):
        yield row


async def by_volunteer(tx: Tx, chosen: VolunteerRange, *names: str) -> AsyncIterator[tuple[Any, list[list[Any]]]]:
    """(volunteer_id, that volunteer's rows of each named query), in the order of volunteers.

    Each query takes the range as its parameters, is sorted by volunteer, and returns the volunteer first.
    """
    streams = [_Stream(await tx.conn.cursor(SQL[name], *chosen)) for name in names]
    for stream in streams:
        await stream.refill()
    while waiting := [stream.head for stream in streams if stream.head is not None]:
        volunteer_id = min(waiting)
        yield (
            volunteer_id,
            [await stream.rows_of(volunteer_id) if stream.head == volunteer_id else [] for stream in streams],
        )


class _Stream:
    """One sorted query: the rows that are fetched and not handed out."""

    __slots__ = ("_cursor", "_place", "_rows", "head")

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._rows: list[Any] = []
        self._place = 0
        self.head: Any = None
        """The volunteer of the next row; None at the end."""

    async def refill(self) -> None:
        """Fetch the next portion."""
        self._rows = await self._cursor.fetch(_PORTION)
        self._place = 0
        self.head = self._rows[0][0] if self._rows else None

    async def rows_of(self, volunteer_id: Any) -> list[Any]:
        """All rows of the volunteer whose rows are next."""
        found: list[Any] = []
        while self.head == volunteer_id:
            rows, start = self._rows, self._place
            place, end = start, len(rows)
            while place < end and rows[place][0] == volunteer_id:
                place += 1
            found += rows[start:place]
            if place == end:
                await self.refill()
            else:
                self._place, self.head = place, rows[place][0]
        return found
