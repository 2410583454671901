"""`kill -9` of recruitment within a move of a waitlist, an automatic close and a call-off: each is done once."""

import asyncio
import signal
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import pytest

from dev.stack.processes import ChildProcess, free_port
from tests.integration.recruitment.work import DAY, HOUR, NOW, Volunteer, Work
from tests.support import doomed
from tests.support.brokers import TestBroker
from tests.support.databases import TestDatabase
from tests.support.depth import part_of
from tests.support.roles import ready, role
from tests.support.settings import SettingsFactory
from tests.support.waiting import WAIT_LIMIT, eventually

pytestmark = pytest.mark.broker

WORKER_POINTS = (doomed.WAITLIST_PLACED, doomed.WAITLIST_MOVED, doomed.RECORDS_CLOSED)


async def killed(process: ChildProcess) -> None:
    """Wait until the process has met its fate."""
    assert await asyncio.wait_for(process.wait(), WAIT_LIMIT) == -signal.SIGKILL


async def left_to_the_timer(work: Work, conn: Any) -> tuple[str, Volunteer]:
    """A place of a shift is free while its first waiting volunteer was busy; returns both."""
    first, second = await work.volunteer(), await work.volunteer()
    shift_id = await work.shift(DAY, DAY + HOUR, capacity=1)
    signup_id = (await work.sign_up(shift_id, first)).json()["signup_id"]
    assert (await work.post(f"/shifts/{shift_id}/waitlist", {}, second.token)).status_code == 201
    async with conn.transaction():
        locked = "select from recruitment.volunteers where volunteer_id = $1::text::uuid for no key update"
        await conn.execute(locked, second.volunteer_id)
        assert (await work.post(f"/signups/{signup_id}/cancel", {}, first.token)).status_code == 200
    return shift_id, second


@pytest.mark.grows
@pytest.mark.parametrize("point", part_of(WORKER_POINTS, 1))
async def test_a_killed_worker_moves_a_waitlist_and_closes_a_record_once(
    point: str, work: Work, broker: TestBroker, settings_for: SettingsFactory, test_database: TestDatabase
) -> None:
    _, _, record = await work.serving()
    conn: Any = await asyncpg.connect(test_database.dsn_for("postgres"))
    try:
        shift_id, second = await left_to_the_timer(work, conn)
    finally:
        await conn.close()
    await work.clock.set(NOW + 5 * HOUR)
    settings = settings_for("recruitment")
    placed = "select count(*) from signups where shift_id = $1::text::uuid and status = 'active'"
    async with role(settings, "worker", point=point, at=1) as process:
        await killed(process)
    promoted = [one for one in await work.events("signups") if one.get("source") == "waitlist"]
    assert await work.count(placed, shift_id) == len(promoted), "a place and its event come together"
    closed = "select count(*) from attendance_records where ended_at is null"
    async with role(settings, "worker"):

        async def done() -> bool:
            return await work.count(placed, shift_id) == 1 and await work.count(closed) == 0

        await eventually(done, what="the place to be given and the record to be closed")
    promoted = [one for one in await work.events("signups") if one.get("source") == "waitlist"]
    assert [one["volunteer_id"] for one in promoted] == [str(second.volunteer_id)]
    asked = [one for one in await work.events("assertions") if one["act"] == "auto-closed"]
    assert [(one["record_id"], one["revision"]) for one in asked] == [(record["record_id"], 2)]


async def test_an_api_that_is_killed_within_a_call_off_ends_each_sign_up_once(
    work: Work, broker: TestBroker, settings_for: SettingsFactory
) -> None:
    people = [await work.volunteer() for _ in range(3)]
    activity = await work.activity((DAY, DAY + HOUR), (2 * DAY, 2 * DAY + HOUR))
    for shift in activity["shifts"]:
        for one in people:
            await work.sign_up(shift["shift_id"], one)
    path = f"/activities/{activity['activity_id']}/cancellation"
    digest = (await work.get(f"{path}-preview", work.station)).json()["digest"]
    settings = settings_for("recruitment", http_port=free_port())
    url = f"http://127.0.0.1:{settings.http_port}"
    headers = {"authorization": f"Bearer {work.station}", "idempotency-key": str(uuid4())}
    body = {"version": 1, "reason": "weather", "digest": digest}

    async def call_off(process: ChildProcess) -> int | None:
        await ready(process, url)
        async with aiohttp.ClientSession(headers=headers) as client:
            try:
                async with client.post(f"{url}/api/recruitment/v1{path}", json=body) as answer:
                    return answer.status
            except aiohttp.ClientError:
                return None

    # the second of the two shifts that one transaction ends
    async with role(settings, "api", point=doomed.SIGNUPS_ENDED, at=2) as process:
        assert await call_off(process) is None
        await killed(process)
    assert await work.count("select count(*) from signups where status = 'active'") == 6
    assert await work.count("select count(*) from shifts where cancelled_at is not null") == 0
    async with role(settings, "api") as process:
        assert [await call_off(process), await call_off(process)] == [200, 200]
    ended = [one["signup_id"] for one in await work.events("signups") if "cancelled_at" in one]
    assert len(ended) == len(set(ended)) == 6
