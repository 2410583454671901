"""For who commits without waiting for the flush: a session that flushes, and that knows of no crash."""

import asyncio
import contextlib
from typing import Any

import asyncpg

from shared.errors import TransientError
from shared.postgres import TRANSIENT, Database, flush

__all__ = ["DurabilityBarrier"]


class DurabilityBarrier:
    """A session of its own, opened before the first of such commits.

    A server that crashes ends every session, so while this one lives nothing was taken back of what was committed since
    it began. A pool that connects again would not notice.
    """

    def __init__(self, db: Database, name: str) -> None:
        self._db = db
        self._name = name
        self._conn: Any = None
        self._alone = asyncio.Lock()

    async def begin(self) -> None:
        """Open the session.

        Raises:
            TransientError: the server cannot be reached.
        """
        try:
            self._conn = await asyncpg.connect(
                self._db.dsn, server_settings={"application_name": f"weiguang-{self._name}-witness"}
            )
        except TRANSIENT as error:
            raise TransientError(f"PostgreSQL cannot be reached: {error}") from error

    async def secure(self) -> None:
        """Return when everything that was committed before is on disk.

        Raises:
            TransientError: the session is gone, and for good. What was committed since the last time may be, too.
        """
        async with self._alone:
            try:
                await flush(self._conn)
            except TRANSIENT as error:
                raise TransientError(f"PostgreSQL may have taken back what was committed last: {error}") from error

    async def close(self) -> None:
        """End the session."""
        if self._conn is not None:
            with contextlib.suppress(Exception):
                await self._conn.close(timeout=2)
