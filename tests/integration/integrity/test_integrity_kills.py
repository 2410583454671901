"""`kill -9` while integrity works: at each point, again and again, no case is lost and none is there twice."""

import asyncio
import signal
from datetime import timedelta

import pytest

from tests.integration.integrity.running import EXPECTED, Integrity, everything, integrity
from tests.support import doomed
from tests.support.brokers import TestBroker
from tests.support.depth import DEEP
from tests.support.roles import role
from tests.support.settings import SettingsFor
from tests.support.waiting import WAIT_LIMIT, eventually

__all__ = ["integrity"]

pytestmark = pytest.mark.broker

POINTS = (doomed.ACTS_ENTERED, doomed.CASES_REPORTED, doomed.CASES_COMMITTED)
ROUNDS = 4 if DEEP else 1


async def feed_everything(integrity: Integrity, week: int) -> None:
    """One finding of each kind, in batches, in a week of its own."""
    records = [
        one.model_copy(
            update={
                "started_at": one.started_at + timedelta(days=7 * week),
                "ended_at": one.ended_at and one.ended_at + timedelta(days=7 * week),
            }
        )
        for one in everything()
    ]
    await integrity.feed(*records, at_once=5)


async def test_killed_followers_lose_no_case_and_double_none(
    broker: TestBroker, settings_for: SettingsFor, integrity: Integrity
) -> None:
    settings, kills = settings_for("points"), POINTS * ROUNDS
    for week, point in enumerate(kills):
        await feed_everything(integrity, week)
        async with role(settings, "teams", point=point, at=1) as process:
            code = await asyncio.wait_for(process.wait(), WAIT_LIMIT)
            assert code == -signal.SIGKILL, f"{point}: ended with {code}"
    await feed_everything(integrity, len(kills))
    async with role(settings, "teams") as process:
        await eventually(lambda: followed(integrity), what="no marks")
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), WAIT_LIMIT) == 0
    rounds = len(kills) + 1
    cases = await integrity.found(44 * rounds, **{kind: number * rounds for kind, number in EXPECTED.items()})
    pool = integrity.database.pool
    assert await pool.fetchval("select count(*) from outbox where topic = 'integrity'") == len(cases)
    wrong = (
        "select count(*) from volunteers v where standing_flags <>"
        " (select count(*) from record_flags f where f.volunteer_id = v.volunteer_id and f.standing)"
    )
    assert await pool.fetchval(wrong) == 0
    before = await integrity.cases()
    await integrity.again()
    await integrity.follow()
    assert await integrity.cases() == before


async def followed(integrity: Integrity) -> bool | None:
    return True if await integrity.marks() == 0 else None
