"""Headers, sessions, cache and pulse of the gateway, without a network."""

import asyncio
import base64
import json
import time
from typing import Any

import pytest

from services.web.gateway.headers import cookie, cookies, forwarded
from services.web.gateway.places import Places
from services.web.gateway.sessions import ACCESS, REFRESH, Sessions, claims, same_origin
from services.web.gateway.upstream import Answer, UpstreamAway
from services.web.pulse.hub import Hub
from services.web.pulse.tail import tick_of
from shared.errors import TransientError
from shared.http.cache import Cache


def token(expires_in: float, **more: Any) -> str:
    body = (
        base64.urlsafe_b64encode(json.dumps({"exp": time.time() + expires_in, **more}).encode()).rstrip(b"=").decode()
    )
    return f"e30.{body}.c2ln"


def test_hop_by_hop_and_forged_headers_stay_here() -> None:
    headers = [
        (b"host", b"weiguang"),
        (b"connection", b"keep-alive, X-Secret-Hop"),
        (b"x-secret-hop", b"1"),
        (b"x-forwarded-for", b"1.2.3.4"),
        (b"cookie", b"wg_access=1"),
        (b"traceparent", b"00-1-2-3"),
        (b"x-correlation-id", b"c"),
        (b"idempotency-key", b"k"),
        (b"authorization", b"Bearer mine"),
    ]
    assert forwarded(headers, "9.9.9.9", None) == [
        ("idempotency-key", "k"),
        ("authorization", "Bearer mine"),
        ("x-forwarded-for", "9.9.9.9"),
    ]
    assert ("authorization", "Bearer theirs") in forwarded(headers, "9.9.9.9", b"Bearer theirs")
    assert ("authorization", "Bearer mine") not in forwarded(headers, "9.9.9.9", b"Bearer theirs")


def test_cookies() -> None:
    assert cookies([(b"cookie", b"a=1; b=x=y; a=2; junk"), (b"cookie", b"c=3")]) == {"a": "1", "b": "x=y", "c": "3"}
    name, value = cookie("a", "1", seconds=5, secure=True)
    assert name == b"set-cookie"
    assert value == b"a=1; Path=/; HttpOnly; SameSite=Lax; Max-Age=5; Secure"


@pytest.mark.parametrize("junk", ["", "a", "a.b", "a.b.c", "a.!!!.c", "e30.W10.c", "a." + "x" * 5000 + ".c"])
def test_what_is_no_token_has_no_claims(junk: str) -> None:
    assert claims(junk) is None


def test_only_our_own_pages_may_lean_on_the_session() -> None:
    ours = [(b"host", b"weiguang:8000"), (b"x-weiguang-page", b"1")]
    assert same_origin(ours)
    assert same_origin([*ours, (b"origin", b"http://weiguang:8000")])
    assert not same_origin([*ours, (b"origin", b"http://evil.example")])
    assert not same_origin([*ours, (b"origin", b"null")])
    assert not same_origin([(b"host", b"weiguang:8000")])


class FakeUpstream:
    def __init__(self, answer: Answer | None) -> None:
        self.answer = answer
        self.calls = 0

    async def call(self, *_: Any, **__: Any) -> Answer:
        self.calls += 1
        await asyncio.sleep(0)
        if self.answer is None:
            raise UpstreamAway("away")
        return self.answer


def headers_of(**kept: str) -> list[tuple[bytes, bytes]]:
    return [(b"cookie", "; ".join(f"{name}={value}" for name, value in kept.items()).encode())]


def sessions_with(answer: Answer | None) -> tuple[Sessions, FakeUpstream]:
    upstream = FakeUpstream(answer)
    return Sessions(upstream, secure=False), upstream  # type: ignore[arg-type]


async def test_a_fresh_token_is_used_as_it_is() -> None:
    sessions, upstream = sessions_with(None)
    fresh = token(600, volunteer="v", roles=["volunteer", "leader"])
    session = await sessions.read(headers_of(**{ACCESS: fresh, REFRESH: "r"}))
    assert (session.token, session.volunteer_id, session.staff) == (fresh, "v", True)
    assert (session.set_cookies, upstream.calls) == ((), 0)


async def test_an_ended_token_is_refreshed_once_for_all_who_ask() -> None:
    fresh = token(600)
    sessions, upstream = sessions_with(Answer(200, {"access_token": fresh, "refresh_token": "r2"}))
    old = headers_of(**{ACCESS: token(-5), REFRESH: "r1"})
    found = await asyncio.gather(*(sessions.read(old) for _ in range(20)))
    late = await sessions.read(old)
    assert upstream.calls == 1
    assert {session.token for session in [*found, late]} == {fresh}
    assert b"wg_refresh=r2" in late.set_cookies[1][1]


async def test_a_refused_refresh_ends_the_session() -> None:
    sessions, _ = sessions_with(Answer(401, {"type": "refresh-token-invalid"}))
    session = await sessions.read(headers_of(**{REFRESH: "r1"}))
    assert session.token is None
    assert all(b"Max-Age=0" in value for _, value in session.set_cookies)


async def test_a_service_that_is_away_ends_nobodys_session() -> None:
    sessions, upstream = sessions_with(None)
    old = token(-5, volunteer="v", roles=["volunteer"])
    kept = headers_of(**{ACCESS: old, REFRESH: "r1"})
    session = await sessions.read(kept)
    assert (session.token, session.volunteer_id, session.set_cookies) == (old, "v", ())
    upstream.answer = Answer(200, {"access_token": token(600), "refresh_token": "r2"})
    assert (await sessions.read(kept)).token == upstream.answer.body["access_token"]


async def test_a_crowd_asks_once() -> None:
    cache, asked = Cache(), 0

    async def load() -> int:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return asked

    assert await asyncio.gather(*(cache.get("figures", 60, load) for _ in range(50))) == [1] * 50
    assert await cache.get("figures", 60, load) == 1
    assert await cache.get("figures", 0, load) == 2


async def test_a_failed_question_is_asked_again() -> None:
    cache, asked = Cache(), 0

    async def load() -> int:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise UpstreamAway("away")
        return asked

    with pytest.raises(UpstreamAway):
        await cache.get("figures", 60, load)
    assert await cache.get("figures", 60, load) == 2


async def test_questions_under_way_are_bounded() -> None:
    cache, answer = Cache(limit=2), asyncio.Event()
    asking = [asyncio.create_task(cache.get(f"worth {number}", 60, answer.wait)) for number in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(TransientError):
        await cache.get("worth 2", 60, answer.wait)
    answer.set()
    assert await asyncio.gather(*asking) == [True, True]


def test_places_are_counted_by_address() -> None:
    places = Places(1)
    with places.place("203.0.113.7") as first, places.place("203.0.113.7") as second:
        with places.place("198.51.100.1") as other, places.place(None) as beside, places.place(None) as again:
            assert [first, second, other, beside, again] == [True, False, True, True, True]
    with places.place("203.0.113.7") as free:
        assert free
    assert not places._taken, "addresses without a request are forgotten"


async def test_a_late_watcher_gets_the_last_tick_and_a_slow_one_misses_some() -> None:
    hub = Hub(limit=1)
    full = [hub.full]
    hub.publish(b'{"records_per_minute": 0}')
    stream = hub.stream(heartbeat=0.01)
    assert (await anext(stream)).startswith(b"retry:")
    assert await anext(stream) == b'event: tick\ndata: {"records_per_minute": 0}\n\n'
    assert await anext(stream) == b": still here\n\n"
    for number in range(1, 100):
        hub.publish(b'{"records_per_minute": %d}' % number)
    assert b": 96}" in await anext(stream)
    full.append(hub.full)
    hub.close()
    assert [event async for event in stream] == []
    assert [*full, hub.full] == [False, True, False]


@pytest.mark.parametrize("value", [None, b"", b"[]", b"{", b'"x"', b"{" * 90_000, b'{"a":"' + b"x" * 70_000 + b'"}'])
def test_what_is_no_tick_reaches_no_browser(value: bytes | None) -> None:
    assert tick_of(value) is None


def test_a_tick_is_one_line() -> None:
    assert (
        tick_of('{"records_per_minute": 3,\n "说": "微光"}'.encode())
        == '{"records_per_minute": 3, "说": "微光"}'.encode()
    )
