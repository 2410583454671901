"""The lock of a session: one holder, freed the moment the holder's session ends, and the holder hears of it."""

import asyncio

import asyncpg
import pytest

from shared.errors import TransientError
from shared.postgres import Database
from shared.postgres.lock import SessionLock
from tests.support.databases import TestDatabase
from tests.support.waiting import WAIT_LIMIT, eventually


async def test_one_holds_it_and_the_next_waits_until_it_is_given_back(points_db: Database) -> None:
    first, second, other = SessionLock(points_db, "a"), SessionLock(points_db, "a"), SessionLock(points_db, "b")
    await first.take()
    await asyncio.wait_for(other.take(), WAIT_LIMIT)
    waiting = asyncio.create_task(second.take())
    done, _ = await asyncio.wait({waiting}, timeout=1.2)  # it has asked twice
    assert not done
    assert not second.held
    await first.close()
    await asyncio.wait_for(waiting, WAIT_LIMIT)
    await second.close()
    await other.close()


async def test_who_loses_the_session_loses_the_lock_and_hears_of_it(
    points_db: Database, test_database: TestDatabase
) -> None:
    first, second = SessionLock(points_db, "a"), SessionLock(points_db, "a")
    await first.take()
    losing = asyncio.create_task(first.lost())
    superuser = await asyncpg.connect(test_database.dsn_for("postgres"))
    killed = "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'weiguang-a-lock'"
    assert await superuser.fetchval(killed) == 1
    await superuser.close()
    assert "ended" in await asyncio.wait_for(losing, WAIT_LIMIT)
    await asyncio.wait_for(second.take(), WAIT_LIMIT)
    await second.close()
    await first.close()


async def test_a_database_that_is_not_there_is_a_transient_error(points_db: Database) -> None:
    nowhere = Database(points_db.pool, "postgresql://points_app:x@127.0.0.1:1/nothing", "points")
    with pytest.raises(TransientError):
        await SessionLock(nowhere, "a").take()


async def test_a_session_that_is_gone_without_a_word_is_found_out(
    points_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.postgres.lock.PROBE_EVERY", 0.2)
    lock = SessionLock(points_db, "a")
    await lock.take()
    losing = asyncio.create_task(lock.lost())
    await asyncio.wait({losing}, timeout=0.5)
    assert not losing.done(), "the probes are answered"

    session, lock._conn = lock._conn, _Silent()
    await eventually(losing.done)
    assert "does not answer" in losing.result()
    await session.close()


class _Silent:
    """What is behind a network that swallows everything."""

    async def fetchval(self, *_: object) -> None:
        raise TimeoutError
