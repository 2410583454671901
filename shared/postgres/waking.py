"""Notifies listeners after commits, and never within them."""

import asyncio
import contextlib
from typing import Any

from shared.postgres.queries import load_queries

__all__ = ["PACE_SECONDS", "Waker"]

PACE_SECONDS = 0.02
"""From one notification of a channel to the next. A notification within a transaction makes all commits of the database
queue for one lock until each is flushed."""
_ACQUIRE_SECONDS = 1.0
_SQL = load_queries(__file__)


class Waker:
    """Notifies channels by a pool's connections, the first time at once, then at most once in `PACE_SECONDS`.

    A notification may be lost with its process or connection; listeners look by themselves from time to time.

    Args:
        lost: the errors of a database that is away.
    """

    def __init__(self, pool: Any, lost: tuple[type[Exception], ...]) -> None:
        self._pool = pool
        self._lost = (*lost, TimeoutError)
        self._due: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def wake(self, channel: str) -> None:
        """Notify a channel of the schema soon; the schema's name is appended."""
        self._due.add(channel)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name="waker")

    async def _run(self) -> None:
        while self._due:
            await self._send()
            await asyncio.sleep(PACE_SECONDS)

    async def _send(self) -> None:
        channels, self._due = sorted(self._due), set()
        with contextlib.suppress(*self._lost):
            async with self._pool.acquire(timeout=_ACQUIRE_SECONDS) as conn:
                for channel in channels:
                    await conn.execute(_SQL["notify"], channel)

    async def close(self) -> None:
        """Notify what is due, and end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._due:
            await self._send()
