"""The gateway over real sockets, before a small stand-in for the services."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.web.gateway.proxy import BODY_LIMIT
from tests.support.gateways import CHALLENGE, MIB, OURS, Setting, gateway_running, token


@pytest.fixture(scope="module")
async def shared_setting() -> AsyncIterator[Setting]:
    async with gateway_running() as setting:
        yield setting


@pytest.fixture
def setting(shared_setting: Setting) -> Setting:
    """The module's gateway; nothing asked yet, nobody logged in."""
    shared_setting.upstream.seen.clear()
    shared_setting.client.cookies.clear()
    return shared_setting


async def test_a_call_passes_with_the_callers_token_and_trace(setting: Setting) -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    answer = await setting.client.post(
        "/api/recruitment/v1/shifts/a%20b/signups?x=%2F1",
        json={"a": 1},
        headers={
            "authorization": "Bearer mine",
            "idempotency-key": "k1",
            "traceparent": parent,
            "x-correlation-id": "c1",
            "x-forwarded-for": "6.6.6.6",
            "cookie": "wg_access=theirs",
        },
    )
    assert answer.json() == {"ok": True}
    assert answer.headers["etag"] == '"1"'
    assert "set-cookie" not in answer.headers
    method, path, headers, body = setting.upstream.seen[-1]
    assert (method, body) == ("POST", b'{"a":1}')
    assert path == "/api/recruitment/v1/shifts/a b/signups?x=%2F1"
    assert headers["authorization"] == "Bearer mine"
    assert headers["idempotency-key"] == "k1"
    assert not headers.keys() & {"traceparent", "x-correlation-id"}, (
        "strangers do not choose what the log is searched by"
    )
    assert headers["x-forwarded-for"] == "6.6.6.6"  # loopback is a trusted proxy
    assert "cookie" not in headers


async def test_services_count_the_caller_and_not_the_gateway(setting: Setting) -> None:
    page = {"x-weiguang-page": "1", "x-forwarded-for": "6.6.6.6, 203.0.113.7"}
    setting.client.cookies.set("wg_challenge", CHALLENGE)
    await setting.client.post("/session", json={"phone": "13800000000", "code": "123456"}, headers=page)
    assert setting.upstream.seen[-1][1] == "/api/recruitment/v1/auth/tokens"
    assert setting.upstream.seen[-1][2]["x-forwarded-for"] == "203.0.113.7"


@pytest.mark.parametrize(
    "path",
    [
        "/api/recruitment/v1/internal/volunteers/1/address",
        "/api/recruitment/v1/INTERNAL/volunteers/1/address",
        "/api/recruitment/v1/%69nternal/volunteers/1/address",
        "/api/recruitment/v1//internal/volunteers/1/address",
        "/api/recruitment/v1/x%2Finternal/volunteers/1/address",
        "/api/recruitment/v1/x/%2e%2e/internal/volunteers/1",
        "/api/recruitment/v1/x/..%2f..%2f..%2fmetrics",
        "/api/recruitment/v2/sites",
        "/api/recruitment/v1",
        "/api/elsewhere/v1/sites",
        "/api/",
    ],
)
async def test_internals_and_strangers_are_never_proxied(setting: Setting, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", setting.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: weiguang\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 404"), answer
    assert b"application/problem+json" in answer
    assert setting.upstream.seen == []


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_goes_nowhere(setting: Setting, chunked: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * MIB

    body: Any = pieces() if chunked else b"x" * (10 * MIB)
    try:
        answer = await setting.client.post("/api/recruitment/v1/volunteers", content=body)
    except (httpx.WriteError, httpx.ReadError):
        pass  # the connection was cut before all of it was sent, which is fine too
    else:
        assert answer.status_code == 413
        assert str(BODY_LIMIT) in answer.json()["detail"]
    assert setting.upstream.seen == []


async def test_a_body_of_just_the_limit_passes(setting: Setting) -> None:
    answer = await setting.client.post("/api/recruitment/v1/volunteers", content=b"x" * BODY_LIMIT)
    assert answer.status_code == 200
    assert len(setting.upstream.seen[-1][3]) == BODY_LIMIT


async def test_a_long_answer_is_streamed_whole(setting: Setting) -> None:
    answer = await setting.client.get("/api/recruitment/v1/big")
    assert len(answer.content) == 8 * MIB


async def test_a_service_that_is_away_is_a_clear_problem(setting: Setting) -> None:
    answer = await setting.client.get("/api/points/v1/rewards")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "service-away"
    assert answer.headers["retry-after"] == "2"


async def test_every_answer_carries_the_security_headers(setting: Setting) -> None:
    for path in ("/", "/api/recruitment/v1/sites", "/api/nowhere", "/static/app.css", "/healthz"):
        headers = (await setting.client.get(path)).headers
        assert "script-src 'self'" in headers["content-security-policy"], path
        assert headers.get_list("x-content-type-options") == ["nosniff"], path
        assert headers["referrer-policy"] == "same-origin", path
        assert headers["cross-origin-opener-policy"] == "same-origin", path
        assert headers["cross-origin-resource-policy"] == "same-origin", path
        assert "camera=(self)" in headers["permissions-policy"], path
        assert "strict-transport-security" not in headers, "by plain http it would mean nothing"


async def test_refusals_are_in_chinese_for_our_pages_only(setting: Setting) -> None:
    path = "/api/recruitment/v1/refused"
    assert (await setting.client.get(path)).json()["detail"] == "All 3 places are taken."
    said = (await setting.client.get(path, headers={"x-weiguang-page": "1"})).json()
    assert said["detail"] == "名额已满（共 3 个），请选别的班次。"
    assert said["type"] == "shift-full"


async def log_in(setting: Setting) -> None:
    asked = await setting.client.post("/session/codes", json={"phone": "13812345678"}, headers=OURS)
    assert asked.json() == {"expires_in": 300}, "the challenge stays in a cookie that no script reads"
    body = {"phone": "13812345678", "code": "123456", "next": "/me"}
    answer = await setting.client.post("/session", json=body, headers=OURS)
    assert answer.json() == {"next": "/me"}
    assert "httponly" in answer.headers["set-cookie"].lower()
    assert "samesite=lax" in answer.headers["set-cookie"].lower()
    assert "first" not in answer.text


async def test_a_page_speaks_with_its_cookie_and_no_other_site_can(setting: Setting) -> None:
    await log_in(setting)
    path = "/api/notify/v1/inbox/1/read"
    assert (await setting.client.post(path, json={}, headers=OURS)).status_code == 200
    assert setting.upstream.seen[-1][2]["authorization"].startswith("Bearer e30.")
    assert "x-weiguang-page" not in setting.upstream.seen[-1][2]
    asked = len(setting.upstream.seen)
    for headers in ({}, {**OURS, "origin": "http://evil.example"}):
        refused = await setting.client.post(path, json={}, headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (403, "cross-site-request")
    assert len(setting.upstream.seen) == asked
    # reading is safe, and a link from elsewhere must work
    assert (await setting.client.get("/api/notify/v1/inbox")).status_code == 200


async def test_no_foreign_page_logs_anybody_in(setting: Setting) -> None:
    body = {"phone": "13812345678", "code": "123456"}
    answer = await setting.client.post("/session", json=body)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_an_ended_token_is_refreshed_on_the_way(setting: Setting) -> None:
    kept = {"wg_access": token(-60, "old"), "wg_refresh": "refresh-1"}
    setting.client.cookies.update(kept)
    answers = await asyncio.gather(*(setting.client.get("/api/notify/v1/inbox") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert sum(path.endswith("/auth/refresh") for _, path, _, _ in setting.upstream.seen) == 1
    assert "wg_refresh=refresh-2" in answers[0].headers["set-cookie"]


@pytest.mark.parametrize(("known", "status"), [({}, 200), ({"if-none-match": '"1"'}, 304)])
async def test_no_cache_may_keep_an_answer_that_sets_a_session(
    setting: Setting, known: dict[str, str], status: int
) -> None:
    path = "/api/recruitment/v1/photo"
    plain = await setting.client.get(path, headers=known)
    assert (plain.status_code, plain.headers["cache-control"]) == (status, "public, max-age=3600")
    for gone in ({"wg_access": token(-60, "old"), "wg_refresh": f"refresh-{status}"}, {"wg_access": "ended"}):
        setting.client.cookies.clear()
        setting.client.cookies.update(gone)
        answer = await setting.client.get(path, headers=known)
        assert (answer.status_code, answer.headers["etag"]) == (status, '"1"')
        assert len(answer.headers.get_list("set-cookie")) == 2
        assert answer.headers.get_list("cache-control") == ["private, no-store"]
        assert "expires" not in answer.headers


async def test_logging_out_forgets_the_session(setting: Setting) -> None:
    await log_in(setting)
    answer = await setting.client.delete("/session", headers=OURS)
    assert answer.status_code == 200
    assert "wg_access" not in setting.client.cookies
    assert (await setting.client.get("/me", headers={"accept": "text/html"})).headers["location"] == "/login?next=%2Fme"


async def test_pages_say_what_is_missing(setting: Setting) -> None:
    html = {"accept": "text/html"}
    nowhere = await setting.client.get("/nowhere", headers=html)
    assert (nowhere.status_code, "没有找到" in nowhere.text) == (404, True)
    # what never reaches a page is refused by one too
    for path, status, said in (
        ("/drives/%00", 400, "地址里有不能识别的字符"),
        ("/drives?q=%00", 400, "地址里有不能识别的字符"),
        ("/drives/%ff", 400, "地址里有不能识别的字符"),
        ("/me?n=99999999999999999999", 400, "地址里的数字太大了"),
        (f"/{'x' * 9000}", 414, "地址太长了"),
    ):
        refused = await setting.client.get(path, headers=html)
        assert (refused.status_code, refused.headers["content-type"]) == (status, "text/html; charset=utf-8"), path
        assert said in refused.text
        assert "雷锋" in refused.text or "微光" in refused.text, "the page's own frame"
        assert (await setting.client.get(path)).headers["content-type"] == "application/problem+json"
    closed = await setting.client.delete("/drives", headers=html)
    assert (closed.status_code, "GET" in closed.headers["allow"], "<h1>" in closed.text) == (405, True, True)
    # points is away: the first page stands all the same
    home = await setting.client.get("/", headers=html)
    assert home.status_code == 200
    assert "雷锋来过咱岭东" in home.text
    staff = await setting.client.get("/staff", headers=html)
    assert staff.headers["location"] == "/staff/login?next=%2Fstaff"


async def test_static_files_are_small_packed_and_kept(setting: Setting) -> None:
    home = await setting.client.get("/")
    for name in ("app.css", "app.js"):
        start = home.text.index(f"/static/{name}?v=")
        address = home.text[start : home.text.index('"', start)]
        answer = await setting.client.get(address)
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-encoding"] == "gzip"
    assert (await setting.client.get("/static/../settings.py")).status_code == 404
    assert (await setting.client.get("/static/nothing.css")).status_code == 404


async def test_the_pulse_reaches_watchers_and_ends_with_the_process() -> None:
    async with gateway_running() as setting:
        async with setting.client.stream("GET", "/api/operations/v1/pulse") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.aiter_lines()
            assert await anext(lines) == "retry: 3000"
            setting.gateway.hub.publish(b'{"records_per_minute": 7}')
            got = [line async for line in _until(lines, "data:")]
            assert got[-1] == 'data: {"records_per_minute": 7}'
            setting.stopping.set()
            assert not [line async for line in lines if line]
        assert (await setting.client.post("/api/operations/v1/pulse")).status_code == 405


async def _until(lines: AsyncIterator[str], start: str) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if line.startswith(start):
            return
