"""A lock that lives as long as a session: its holder is the only one of its kind."""

import asyncio
import contextlib
from typing import Any

import asyncpg

from shared.errors import TransientError
from shared.postgres import TRANSIENT, Database, load_queries
from shared.waiting import wait_for_event

__all__ = ["SessionLock"]

_SQL = load_queries(__file__)

LOOK_EVERY = 0.5
"""Seconds. Not one statement that waits: it would keep vacuum from removing anything meanwhile."""
PROBE_EVERY = 5.0
"""Seconds after which the session is asked whether it still lives, and within which it has to answer."""


class SessionLock:
    """A named advisory lock on a connection of its own, which PostgreSQL frees the moment the process dies.

    It does not fence: a process that was frozen, or cut off from the database, goes on until it notices (`lost`).
    """

    def __init__(self, db: Database, name: str) -> None:
        self._db = db
        self._name = name
        self._conn: Any = None
        self._closed = asyncio.Event()
        self.held = False

    async def take(self) -> None:
        """Wait until it is ours.

        Raises:
            TransientError: the database does not answer.
        """
        try:
            self._conn = await asyncpg.connect(
                self._db.dsn,
                command_timeout=PROBE_EVERY,
                server_settings={
                    "search_path": self._db.schema,
                    "application_name": f"weiguang-{self._name}-lock",
                },
            )
            self._conn.add_termination_listener(lambda _: self._closed.set())
            while not self.held:
                self.held = await self._conn.fetchval(_SQL["take_session_lock"], self._name)
                if not self.held:
                    await asyncio.sleep(LOOK_EVERY)
        except TRANSIENT as error:
            raise TransientError(f"the lock {self._name} cannot be had: {error}") from error

    async def lost(self) -> str:
        """Wait until it is no longer ours, which ends with the session only; returns why."""
        while True:
            if await wait_for_event(self._closed, PROBE_EVERY):
                return "its session ended"
            try:
                await self._conn.fetchval(_SQL["probe_session"])
            except (*TRANSIENT, TimeoutError) as error:
                return f"its session does not answer: {error!r}"

    async def close(self) -> None:
        """Give it back."""
        if self._conn is not None:
            with contextlib.suppress(Exception):
                await self._conn.close(timeout=2)
