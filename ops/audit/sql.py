"""The audit's queries, streamed: a big ledger is read in constant memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from shared.postgres import Tx, load_queries

SQL = load_queries(__file__)
PREFETCH = 1000


async def rows(tx: Tx, name: str) -> AsyncIterator[Any]:
    """Rows of a named query, fetched in portions of `PREFETCH`."""
    async for row in tx.conn.cursor(SQL[name], prefetch=PREFETCH):
        yield row


class ByVolunteer:
    """Several streams, each sorted by volunteer, walked together: one volunteer's rows of all of them at a time."""

    def __init__(self, tx: Tx, *names: str) -> None:
        self._streams = {name: aiter(rows(tx, name)) for name in names}
        self._heads: dict[str, Any] = {}

    async def _advance(self, name: str) -> None:
        self._heads[name] = await anext(self._streams[name], None)

    async def groups(self) -> AsyncIterator[tuple[Any, dict[str, list[Any]]]]:
        """(volunteer_id, rows by query name), in the order of volunteers."""
        for name in self._streams:
            await self._advance(name)
        while True:
            waiting = [head["volunteer_id"].bytes for head in self._heads.values() if head is not None]
            if not waiting:
                return
            first = min(waiting)
            group: dict[str, list[Any]] = {name: [] for name in self._streams}
            volunteer_id = None
            for name in self._streams:
                while (head := self._heads[name]) is not None and head["volunteer_id"].bytes == first:
                    volunteer_id = head["volunteer_id"]
                    group[name].append(head)
                    await self._advance(name)
            yield volunteer_id, group
