"""Codes, passwords, sessions and bounds through HTTP on a real database."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.recruitment.__main__ import create_operator, purge_once, worker
from shared.errors import PermanentError
from shared.postgres import Database
from tests.integration.recruitment.people import NOW, PASSWORD, ROOT, Answer, District, district_of
from tests.support.databases import Clock, TestDatabase
from tests.support.settings import SettingsFactory
from tests.support.waiting import eventually


@pytest.fixture
async def district(settings_for: SettingsFactory, clock: Clock) -> AsyncIterator[District]:
    await clock.set(NOW)
    async with district_of(settings_for) as district:
        yield district


def wrong(code: str) -> str:
    """Six other digits."""
    return f"{(int(code) + 1) % 1_000_000:06}"


async def token_call(district: District, phone: str, code: str, challenge: str | None = None) -> tuple[int, str]:
    body = {"phone": phone, "code": code, "challenge_id": challenge or district.challenge(phone)}
    answer = await district.http.post(f"{ROOT}/auth/tokens", json=body)
    return answer.status_code, answer.json().get("type", "")


async def refreshed(district: District, token: str) -> tuple[int, Answer]:
    answer = await district.http.post(f"{ROOT}/auth/refresh", json={"refresh_token": token})
    return answer.status_code, answer.json()


async def test_a_code_is_good_once_and_for_five_minutes(district: District, recruitment_db: Database) -> None:
    phone = district.phone()
    await district.register(phone=phone)
    code = await district.code(phone)
    assert (await token_call(district, phone, code))[0] == 200
    assert await token_call(district, phone, code) == (401, "code-wrong")

    code = await district.code(phone)
    async with recruitment_db.transaction() as tx:
        await tx.execute("update one_time_codes set expires_at = clock_timestamp() where used_at is null")
    assert await token_call(district, phone, code) == (401, "code-wrong")

    other = await district.code(district.phone())
    assert await token_call(district, phone, other) == (401, "code-wrong"), "another phone's"


async def test_five_attempts_and_no_more(district: District) -> None:
    phone = district.phone()
    await district.register(phone=phone)
    code = await district.code(phone)
    for _ in range(4):
        assert await token_call(district, phone, wrong(code)) == (401, "code-wrong")
    assert (await token_call(district, phone, code))[0] == 200, "the fifth is still looked at"

    code = await district.code(phone)
    for _ in range(5):
        await token_call(district, phone, wrong(code))
    assert await token_call(district, phone, code) == (401, "code-wrong")


async def test_guesses_side_by_side_count_too(district: District, recruitment_db: Database) -> None:
    phone = district.phone()
    code = await district.code(phone)
    guesses = [f"{(int(code) + n) % 1_000_000:06}" for n in range(1, 30)]

    async def guess(digits: str) -> None:
        body = {"name": "张三", "phone": phone, "code": digits, "consent": True}
        assert (await district.post("/volunteers", body)).status_code == 401

    await asyncio.gather(*map(guess, guesses))
    async with recruitment_db.transaction() as tx:
        assert await tx.fetchval("select attempts from one_time_codes") == 29
    body = {"name": "张三", "phone": phone, "code": code, "consent": True}
    assert (await district.post("/volunteers", body)).status_code == 401, "the right digits come too late"


async def test_a_stranger_cannot_sign_in_and_learns_it_only_with_the_code(district: District) -> None:
    phone = district.phone()
    code = await district.code(phone)
    assert await token_call(district, phone, wrong(code)) == (401, "code-wrong")
    assert await token_call(district, phone, code) == (404, "not-registered")
    assert await token_call(district, "123456", code) == (422, "phone-invalid")


async def test_codes_are_not_stored(district: District, test_database: TestDatabase) -> None:
    phone = district.phone()
    code = await district.code(phone)
    conn = await asyncpg.connect(test_database.dsn_for("postgres"))
    try:
        row = await conn.fetchrow("select * from recruitment.one_time_codes")
    finally:
        await conn.close()
    assert row is not None
    assert code not in str(dict(row))
    assert phone not in str(dict(row))


async def test_a_session_ends_with_logout_and_in_time(district: District, recruitment_db: Database) -> None:
    one, two = (await district.register())["session"], (await district.register())["session"]
    answer = await district.http.post(f"{ROOT}/auth/logout", json={"refresh_token": one["refresh_token"]})
    assert answer.status_code == 204
    assert (await refreshed(district, one["refresh_token"]))[0] == 401
    async with recruitment_db.transaction() as tx:
        await tx.execute("update sessions set expires_at = clock_timestamp()")
    assert (await refreshed(district, two["refresh_token"]))[0] == 401


async def test_roles_are_looked_up_again_at_refresh(district: District) -> None:
    sites = await district.sites()
    session = (await district.register())["session"]
    team = await district.made(
        "/teams", {"kind": "team", "name": "晨光队", "site_id": sites["惠民社区"], "docked": True}
    )
    await district.made(f"/teams/{team['team_id']}/leader", {"volunteer_id": session["volunteer_id"]})
    _, renewed = await refreshed(district, session["refresh_token"])
    assert renewed["roles"] == ["leader", "resident", "volunteer"]
    assert renewed["team_ids"] == [team["team_id"]]
    me = (await district.get("/auth/me", renewed["access_token"])).json()
    assert me["roles"] == renewed["roles"]
    assert me["team_ids"] == renewed["team_ids"]


async def test_the_first_operator_is_made_once(district: District) -> None:
    assert await create_operator(district.settings, "centre", "别人", "operator", "another-word-of-mine") == "exists"
    assert await district.password("centre")
    assert await create_operator(district.settings, "engineer", "赵工", "engineer", PASSWORD) == "created"
    me = (await district.get("/auth/me", await district.password("engineer"))).json()
    assert (me["roles"], me["site_ids"]) == (["engineer"], None)
    for weak in ("short", "password2026"):
        with pytest.raises(PermanentError, match="WEIGUANG_OPERATOR_PASSWORD"):
            await create_operator(district.settings, "third", "钱工", "operator", weak)
    done = await create_operator(district.settings, "centre", "别人", "operator", "another-word-of-mine", reset=True)
    assert done == "reset"
    assert await district.password("centre", "another-word-of-mine")


async def test_by_products_are_forgotten(district: District, recruitment_db: Database) -> None:
    session = (await district.register())["session"]
    async with recruitment_db.transaction() as tx:
        await tx.execute("update one_time_codes set issued_at = issued_at - interval '25 hours'")
        await tx.execute("update idempotency set created_at = created_at - interval '25 hours'")
        await tx.execute("update sessions set expires_at = expires_at - interval '38 days' where staff_id is null")
    district.log.write_text('{"phone": "1", "code": "2", "at": "2020-01-01T00:00:00+00:00"}\n')
    await purge_once(district.settings, recruitment_db)
    async with recruitment_db.transaction() as tx:
        for table in ("one_time_codes", "idempotency"):
            assert await tx.fetchval(f"select count(*) from {table}") == 0
        assert await tx.fetchval("select count(*) from sessions where staff_id is null") == 0
    assert (await refreshed(district, session["refresh_token"]))[0] == 401
    assert district.log.read_text() == ""


async def test_the_worker_forgets_and_stops(district: District, recruitment_db: Database) -> None:
    await district.code(district.phone())
    async with recruitment_db.transaction() as tx:
        await tx.execute("update one_time_codes set issued_at = issued_at - interval '25 hours'")
    stop = asyncio.Event()
    running = asyncio.create_task(worker(district.settings, stop))
    try:

        async def forgotten() -> bool:
            async with recruitment_db.transaction() as tx:
                return bool(await tx.fetchval("select count(*) = 0 from one_time_codes"))

        await eventually(forgotten)
    finally:
        stop.set()
        async with asyncio.timeout(60):
            await running
