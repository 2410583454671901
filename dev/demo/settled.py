"""Waiting until everything that was accepted has arrived: asked of the database with the auditor's eyes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import orjson

from dev.demo.client import DemoError
from shared.outbox.packs import events_of
from shared.postgres import load_queries

__all__ = ["Settling"]

_SQL = load_queries(__file__)
PATIENCE = 120.0
"""Seconds for which nothing may move."""


class Settling:
    """Knows when nothing is under way any more. Read only."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._conn: Any = None

    async def points(self) -> None:
        """Wait until points has applied every revision that attendance reported.

        Raises:
            DemoError: nothing moved for two minutes.
        """
        await self._until("attendance_not_applied")

    async def expired(self) -> None:
        """Wait until the timers have closed, released and expired what is due at the business time of now."""
        await self._until("records_to_close")
        await self.points()
        await self._until("holds_to_release")
        await self._until("lots_to_expire")
        await self._until("orders_due")

    async def everything(self) -> None:
        """Wait until the teams' services are counted and what holds points back is found, no outbox holds anything, and
        notify has handled every event about a volunteer.
        """
        for query in (
            "attendance_not_applied",
            "attendance_not_counted",
            "records_not_followed",
            "events_not_sent",
            "events_not_notified",
        ):
            await self._until(query)
        await self._until("packs_not_notified", self._packs_not_notified)

    async def _packs_not_notified(self) -> int:
        """As the query `events_not_notified`, of the events that lie in packs."""
        conn = await self._connected()
        versions: dict[str, int] = {}
        for row in await conn.fetch(_SQL["packs_of_points"]):
            for _, headers, _ in events_of(row["key"], row["headers"], row["value"]):
                said = orjson.loads(headers)
                volunteer, version = said["ce_aggregateid"], int(said["ce_aggregateversion"])
                versions[volunteer] = max(version, versions.get(volunteer, 0))
        if not versions:
            return 0
        return int(await conn.fetchval(_SQL["versions_not_notified"], list(versions), list(versions.values())))

    async def _until(self, query: str, ask: Callable[[], Awaitable[int]] | None = None) -> None:
        clock = asyncio.get_running_loop().time
        before, deadline = None, clock() + PATIENCE
        while (waiting := await self._ask(query, ask)) != 0:
            if waiting != before:
                before, deadline = waiting, clock() + PATIENCE
            elif clock() > deadline:
                raise DemoError(f"{query.replace('_', ' ')}: still {waiting} after {PATIENCE:.0f} s")
            await asyncio.sleep(0.05)

    async def _ask(self, query: str, ask: Callable[[], Awaitable[int]] | None) -> int:
        try:
            if ask is not None:
                return await ask()
            return int(await (await self._connected()).fetchval(_SQL[query]))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._conn = None
            return -1

    async def people(self) -> list[dict[str, Any]]:
        """What each volunteer has at this moment."""
        return [dict(row) for row in await (await self._connected()).fetch(_SQL["records_by_person"])]

    async def postgres_version(self) -> str:
        """The server's version."""
        return str(await (await self._connected()).fetchval(_SQL["postgres_version"]))

    async def _connected(self) -> Any:
        if self._conn is None or self._conn.is_closed():
            self._conn = await asyncpg.connect(self._dsn)
        return self._conn

    async def close(self) -> None:
        """End the connection."""
        if self._conn is not None:
            await self._conn.close()
