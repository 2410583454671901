"""Sessions of the audit: read only, all over one snapshot, with memory to sort a large ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg

from ops.audit.sql import SQL
from shared.postgres import Tx

__all__ = ["UNREADABLE", "opened", "snapshot"]

UNREADABLE = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.InsufficientPrivilegeError)
"""Errors of a check that may not read what it examines."""

_SETTINGS = {
    "search_path": "pg_catalog",
    "timezone": "UTC",
    "application_name": "weiguang-audit",
    "work_mem": "64MB",
    "random_page_cost": "4",  # whole tables in the order of volunteers: sorting costs less than a page for each row
    "jit": "off",
}


@asynccontextmanager
async def opened(dsn: str, exported: str | None = None) -> AsyncIterator[Tx]:
    """A transaction that cannot write. ``exported``: the snapshot of another session, to see the same state.

    No service's pool: to sum a large ledger may take longer than a request ever should.
    """
    conn: Any = await asyncpg.connect(dsn, timeout=10, server_settings=_SETTINGS)
    try:
        async with conn.transaction(isolation="repeatable_read", readonly=True):
            if exported is not None:
                await conn.execute(f"set transaction snapshot '{exported}'")  # takes no parameter
            yield Tx(conn)
    finally:
        await conn.close()


@asynccontextmanager
async def snapshot(dsn: str, sessions: int, *, shared: bool) -> AsyncIterator[tuple[list[Tx], str]]:
    """So many transactions over one state of everything, and the name for others to see it, if ``shared``."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(opened(dsn))
        exported = await first.fetchval(SQL["export_snapshot"]) if shared or sessions > 1 else ""
        others = [await stack.enter_async_context(opened(dsn, exported)) for _ in range(sessions - 1)]
        yield [first, *others], exported
