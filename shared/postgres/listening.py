"""Notifications of PostgreSQL on a connection of its own."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from shared.errors import TransientError
from shared.postgres import TRANSIENT, Database

__all__ = ["listening"]


@asynccontextmanager
async def listening(db: Database, channel: str, wake: Callable[[], None]) -> AsyncIterator[Callable[[], bool]]:
    """Call ``wake`` at each notification of a channel while the block runs, and when the connection ends.

    Gives a function that says whether the connection still lives.

    Raises:
        TransientError: the server cannot be reached.
    """
    try:
        conn: Any = await asyncpg.connect(
            db.dsn,
            server_settings={"search_path": db.schema, "application_name": f"weiguang-{db.schema}-listen"},
        )
    except TRANSIENT as error:
        raise TransientError(f"PostgreSQL cannot be reached: {error}") from error
    try:
        conn.add_termination_listener(lambda _: wake())
        await conn.add_listener(channel, lambda *_: wake())
        yield lambda: not conn.is_closed()
    finally:
        with contextlib.suppress(Exception):
            await conn.close(timeout=2)
