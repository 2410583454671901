"""Sessions: one successor for all refreshes of a browser within the grace, and none for anybody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from services.recruitment.__main__ import build_app
from services.web.gateway.headers import cookies
from services.web.gateway.sessions import Sessions
from services.web.gateway.upstream import Answer
from shared.postgres import Database
from tests.integration.recruitment.people import NOW, ROOT, District, district_of
from tests.integration.recruitment.people import Answer as Body
from tests.support.databases import Clock
from tests.support.settings import SettingsFactory

MINE, OTHER = "m" * 43, "o" * 43


@pytest.fixture
async def district(settings_for: SettingsFactory, clock: Clock) -> AsyncIterator[District]:
    await clock.set(NOW)
    async with district_of(settings_for) as district:
        yield district


async def registered(district: District, browser: str = MINE) -> Body:
    phone = district.phone()
    await district.register(phone=phone)
    body = {"phone": phone, "code": await district.code(phone), "challenge_id": district.challenge(phone)}
    answer = await district.http.post(f"{ROOT}/auth/tokens", json=body, headers=_with(browser))
    found: Body = answer.json()
    return found


async def refreshed(district: District, token: str, browser: str = MINE) -> tuple[int, Body]:
    answer = await district.http.post(f"{ROOT}/auth/refresh", json={"refresh_token": token}, headers=_with(browser))
    return answer.status_code, answer.json()


def _with(browser: str) -> dict[str, str]:
    return {"x-weiguang-browser": browser, "user-agent": "Mozilla/5.0 (Linux; Android 14) Chrome/126"}


async def age(database: Database, seconds: int) -> None:
    """Let so many seconds pass since tokens were used."""
    await database.pool.execute("update refresh_tokens set used_at = used_at - make_interval(secs => $1)", seconds)


async def test_refreshes_at_once_get_one_successor(district: District) -> None:
    token = (await registered(district))["refresh_token"]
    outcomes = await asyncio.gather(*(refreshed(district, token) for _ in range(3)))
    assert [status for status, _ in outcomes] == [200] * 3
    successors = {body["refresh_token"] for _, body in outcomes}
    assert len(successors) == 1
    assert (await refreshed(district, successors.pop()))[0] == 200, "the winner's token is good as well"
    status, late = await refreshed(district, token)
    assert status == 200
    assert (await refreshed(district, late["refresh_token"]))[0] == 200, "a late one leads to the newest"


async def test_after_the_grace_a_spent_token_ends_the_session(district: District, recruitment_db: Database) -> None:
    first = await registered(district)
    _, second = await refreshed(district, first["refresh_token"])
    await age(recruitment_db, 11)
    status, refused = await refreshed(district, first["refresh_token"])
    assert (status, refused["type"]) == (401, "refresh-token-reused")
    assert (await refreshed(district, second["refresh_token"]))[0] == 401, "the thief's token is dead as well"
    events = (await district.get("/security/events", district.operator, kind="refresh-reused")).json()["items"]
    assert [event["detail"]["verdict"] for event in events] == ["reused"]


async def test_a_stolen_token_is_good_in_no_other_browser(district: District) -> None:
    for browser in (OTHER, ""):
        first = await registered(district)
        _, second = await refreshed(district, first["refresh_token"])
        status, refused = await refreshed(district, first["refresh_token"], browser)
        assert (status, refused["type"]) == (401, "refresh-token-reused"), "not even within the grace"
        assert (await refreshed(district, second["refresh_token"]))[0] == 401


async def test_nothing_is_given_after_a_logout(district: District) -> None:
    first = await registered(district)
    _, second = await refreshed(district, first["refresh_token"])
    out = {"refresh_token": second["refresh_token"]}
    assert (await district.http.post(f"{ROOT}/auth/logout", json=out, headers=_with(MINE))).status_code == 204
    for token in (first["refresh_token"], second["refresh_token"]):
        assert (await refreshed(district, token))[1]["type"] == "refresh-token-invalid"


async def test_no_token_is_stored(district: District, recruitment_db: Database) -> None:
    first = await registered(district)
    _, second = await refreshed(district, first["refresh_token"])
    rows = await recruitment_db.pool.fetch("select t::text as line from refresh_tokens t")
    rows += await recruitment_db.pool.fetch("select s::text as line from sessions s")
    text = "\n".join(row["line"] for row in rows)
    assert first["refresh_token"] not in text
    assert second["refresh_token"] not in text
    assert MINE not in text


async def test_sessions_are_listed_and_ended_by_their_holder(district: District) -> None:
    phone = district.phone()
    one = (await district.register(phone=phone))["session"]
    body = {"phone": phone, "code": await district.code(phone), "challenge_id": district.challenge(phone)}
    two = (await district.http.post(f"{ROOT}/auth/tokens", json=body, headers=_with(MINE))).json()
    stranger = (await district.register())["session"]
    listed = (await district.get("/auth/sessions", two["access_token"])).json()["items"]
    assert [(item["current"], item["agent"]) for item in listed] == [(True, "Chrome/Android"), (False, "")]

    async def end(path: str, token: str) -> int:
        headers = {"authorization": f"Bearer {token}"}
        return (await district.http.delete(f"{ROOT}/auth/sessions{path}", headers=headers)).status_code

    assert await end(f"/{listed[1]['session_id']}", stranger["access_token"]) == 404, "another's session"
    assert await end(f"/{listed[1]['session_id']}", two["access_token"]) == 204
    assert (await refreshed(district, one["refresh_token"], ""))[0] == 401
    three = (await district.sign_in(phone)).json()
    assert await end("", three["access_token"]) == 204
    assert (await refreshed(district, two["refresh_token"]))[0] == 401
    assert (await refreshed(district, three["refresh_token"], ""))[0] == 200


class Service:
    """What a gateway calls: an instance of recruitment's API."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def call(self, method: str, _: str, path: str, **how: Any) -> Answer:
        answer = await self._http.request(method, ROOT + path, json=how.get("body"), headers=how.get("headers"))
        return Answer(answer.status_code, answer.json())


async def test_two_gateways_and_two_apis_give_a_browser_the_same_session(district: District) -> None:
    first = await registered(district)
    sent = f"wg_refresh={first['refresh_token']}; wg_browser={MINE}".encode()
    async with AsyncExitStack() as stack:
        other = build_app(district.settings)
        await stack.enter_async_context(other.router.lifespan_context(other))
        transport = httpx.ASGITransport(other)
        there = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://other"))
        gateways = [Sessions(Service(http), secure=False) for http in (district.http, there, district.http)]  # type: ignore[arg-type]
        found = await asyncio.gather(*(gateway.read([(b"cookie", sent)]) for gateway in gateways))
        assert all(session.token for session in found)
        renewed = set()
        for session in found:
            for _, value in session.set_cookies:
                renewed |= {v for k, v in cookies([(b"cookie", value.split(b";")[0])]).items() if k == "wg_refresh"}
        assert len(renewed) == 1
        again = f"wg_refresh={renewed.pop()}; wg_browser={MINE}".encode()
        assert (await gateways[1].read([(b"cookie", again)])).token
