"""Relays are notified after commits, events of one request are written with its answer."""

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg

from shared.ids import new_id
from shared.outbox import append_raw
from shared.outbox.packs import RawEvent
from shared.postgres import Database
from shared.postgres.waking import Waker
from tests.support.waiting import WAIT_LIMIT


def _row() -> RawEvent:
    return new_id(), "test", "k", "{}", b""


async def test_a_commit_with_events_notifies_the_relay_and_a_rollback_does_not(notify_db: Database) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    conn: Any = await asyncpg.connect(notify_db.dsn)
    try:
        await conn.add_listener("outbox_notify", lambda *given: heard.put_nowait(given[2]))
        with suppress(ZeroDivisionError):
            async with notify_db.transaction() as tx:
                await append_raw(tx, [_row()])
                raise ZeroDivisionError
        async with notify_db.transaction() as tx:
            await tx.fetchval("select pg_notify('outbox_notify', '')")  # what was notified before would come first
        await heard.get()
        assert heard.empty()
        async with notify_db.transaction() as tx:
            await append_raw(tx, [_row()])
        assert await asyncio.wait_for(heard.get(), WAIT_LIMIT) == "outbox_notify"
    finally:
        await conn.close()


async def test_events_of_an_undone_savepoint_are_not_postponed(notify_db: Database) -> None:
    kept, undone = _row(), _row()
    async with notify_db.transaction() as tx:
        tx.postponed = []
        await append_raw(tx, [kept])
        with suppress(ZeroDivisionError):
            async with tx.savepoint():
                await append_raw(tx, [undone])
                raise ZeroDivisionError
        assert tx.postponed == [kept]


async def test_what_is_due_is_notified_before_the_end(notify_db: Database) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    conn: Any = await asyncpg.connect(notify_db.dsn)
    try:
        await conn.add_listener("test_notify", lambda *given: heard.put_nowait(given[2]))
        waker = Waker(notify_db.pool, (OSError,))
        waker.wake("test")
        await waker.close()
        assert await asyncio.wait_for(heard.get(), WAIT_LIMIT) == "test_notify"
    finally:
        await conn.close()
