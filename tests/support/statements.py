"""Which statements a block of code sends to PostgreSQL: the guard of what must stay set-based, without a clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

import asyncpg

from shared.postgres import Database

__all__ = ["statements_of"]

_LEFT_OUT = ("typeinfo_tree", "set_config('jit'", "pg_notify")


@asynccontextmanager
async def statements_of(database: Database) -> AsyncIterator[list[str]]:
    """The statements that the block sends on connections of this pool, complete once it has ended.

    An executemany counts once per row, a COPY once. What asyncpg itself asks about types, once per connection, is left
    out, and so are the notifications that follow a commit sooner or later.
    """
    seen: list[str] = []

    def note(query: Any) -> None:
        if not any(part in query.query for part in _LEFT_OUT):
            # executemany is told as one query with its rows in a list
            seen.extend([query.query] * (len(query.args) if isinstance(query.args, list) else 1))

    copy = asyncpg.Connection.copy_records_to_table

    async def noted_copy(self: Any, table_name: str, **how: Any) -> str:
        seen.append(f"copy {table_name}")
        tag: str = await copy(self, table_name, **how)
        return tag

    pool = database.pool
    database.pool = _Overheard(pool, note)
    try:
        with patch.object(asyncpg.Connection, "copy_records_to_table", noted_copy):
            yield seen
            await asyncio.sleep(0)  # asyncpg tells its loggers in the loop's next round
    finally:
        database.pool = pool


class _Overheard:
    """A pool whose connections are listened to while they are out."""

    def __init__(self, pool: Any, note: Any) -> None:
        self._pool = pool
        self._note = note

    @asynccontextmanager
    async def acquire(self, **how: Any) -> AsyncIterator[Any]:
        async with self._pool.acquire(**how) as conn:
            conn.add_query_logger(self._note)
            try:
                yield conn
            finally:
                conn.remove_query_logger(self._note)
