"""Every request is traced and counted, health is told, and none of it costs much."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Annotated, Any
from uuid import uuid4

import httpx
import pytest
import structlog
from fastapi import APIRouter, FastAPI, Query, Response
from prometheus_client import REGISTRY

from shared.auth.access import public
from shared.auth.tokens import Role
from shared.errors import TransientError
from shared.http.app import create_app
from tests.support.sample_api import (
    SETTINGS,
    Answer,
    Thing,
    bearer,
    calling,
    make_app,
    router,
)

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with calling(make_app()) as client:
        yield client


async def test_a_trace_is_continued_and_answered(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/test/v1/ping", headers={"traceparent": PARENT, "X-Correlation-Id": "drive-7"})
    assert answer.headers["traceparent"].split("-")[1] == PARENT.split("-")[1]
    assert answer.headers["traceparent"] != PARENT
    assert answer.headers["x-correlation-id"] == PARENT.split("-")[1], "a caller does not choose it"
    twice = await client.get("/api/test/v1/ping", headers=[("traceparent", PARENT), ("traceparent", PARENT)])
    assert twice.headers["traceparent"].split("-")[1] != PARENT.split("-")[1]
    fresh = await client.get("/api/test/v1/ping", headers={"traceparent": "junk", "X-Correlation-Id": "a b\x7f"})
    assert fresh.headers["x-correlation-id"] == fresh.headers["traceparent"].split("-")[1]


async def test_a_stranger_does_not_choose_the_trace() -> None:
    async with calling(create_app(SETTINGS, title="Test", routers=[router], inner=False)) as client:
        answer = await client.get("/api/test/v1/ping", headers={"traceparent": PARENT, "X-Correlation-Id": "drive-7"})
    assert answer.headers["x-correlation-id"] == answer.headers["traceparent"].split("-")[1]
    assert answer.headers["x-correlation-id"] not in ("drive-7", PARENT.split("-")[1])


async def test_no_cache_keeps_json(client: httpx.AsyncClient) -> None:
    for path in ("/api/test/v1/ping", "/api/test/v1/fail/missing", "/nowhere", "/api/test/v1/who", "/openapi.json"):
        assert (await client.get(path)).headers.get_list("cache-control") == ["no-store"], path


async def test_a_route_may_say_how_long_its_json_may_be_kept() -> None:
    cached = APIRouter()

    @cached.get("/cached", dependencies=[public()])
    async def said(response: Response) -> Answer:
        response.headers["Cache-Control"] = "public, max-age=5"
        return Answer(name="公开")

    async with calling(create_app(SETTINGS, title="Test", routers=[cached])) as client:
        assert (await client.get("/cached")).headers.get_list("cache-control") == ["public, max-age=5"]


def counted(method: str, route: str, status: str) -> float:
    labels = {"method": method, "route": route, "status": status}
    return REGISTRY.get_sample_value("weiguang_http_requests_total", labels) or 0.0


async def test_requests_are_counted_by_template(client: httpx.AsyncClient) -> None:
    route = "/outer/middle/inner/{id}"
    before, stray = counted("GET", route, "200"), counted("GET", "(none)", "404")
    for _ in range(3):
        assert (await client.get(f"/outer/middle/inner/{uuid4()}", headers=bearer(Role.ENGINEER))).status_code == 200
        await client.get(f"/stray/{uuid4()}")
    assert counted("GET", route, "200") == before + 3
    assert counted("GET", "(none)", "404") == stray + 3
    odd = counted("OTHER", "(none)", "404")
    await client.request("BREW", "/stray")
    assert counted("OTHER", "(none)", "404") == odd + 1
    text = (await client.get("/metrics")).text
    assert f'weiguang_http_request_seconds_count{{method="GET",route="{route}"}}' in text
    for name in (
        "outbox_depth",
        "outbox_age_seconds",
        "consumer_lag",
        "batch_records",
        "batch_seconds",
        "dead_letters",
    ):
        assert f"# TYPE weiguang_{name}" in text


async def test_health_says_what_is_missing_and_nothing_more() -> None:
    async def down() -> None:
        raise TransientError("secret address refused")

    async def up() -> None:
        return None

    app = create_app(SETTINGS, title="T", routers=[], readiness={"database": up, "broker": down})
    async with calling(app) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        ready = await client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json() == {"status": "unavailable", "checks": {"database": "ok", "broker": "failed"}}


async def test_a_check_that_hangs_does_not_hang_readiness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.http.health.CHECK_SECONDS", 0.01)
    app = create_app(SETTINGS, title="T", routers=[], readiness={"broker": asyncio.Event().wait})  # type: ignore[dict-item]
    async with calling(app) as client:
        assert (await client.get("/readyz")).json()["checks"] == {"broker": "timeout"}


async def test_the_description_is_served_without_foreign_pages(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert "/api/test/v1/things/{number}" in document["paths"]
    assert "/healthz" not in document["paths"]
    assert (await client.get("/docs")).status_code == 404


async def test_what_guards_a_request_calls_at_most_two_and_a_half_times_a_bare_route() -> None:
    """Signed token, limits, trace and metrics beside FastAPI alone, in calls: those are the same on every machine."""
    bare = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    bare.post("/api/test/v1/things/{number}", status_code=201)(_as_it_comes)
    headers = [
        (b"authorization", bearer(Role.VOLUNTEER)["Authorization"].encode()),
        (b"content-type", b"application/json"),
    ]
    body = b'{"name": "x", "at": "2027-01-04T09:00:00+08:00"}'
    scope = {"type": "http", "method": "POST", "path": "/api/test/v1/things/1", "query_string": b"", "headers": headers}
    answers: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answers.append(message["status"])

    async def calls(app: FastAPI) -> int:
        """How many functions of Python and of C one request calls, when what is made once has been made."""
        counted = 0

        def count(_frame: object, event: str, _arg: object) -> None:
            nonlocal counted
            counted += event in ("call", "c_call")

        whole = {**scope, "asgi": {"version": "3.0"}, "http_version": "1.1", "root_path": ""}
        await app(dict(whole), receive, send)
        before = sys.getprofile()
        sys.setprofile(count)
        try:
            await app(dict(whole), receive, send)
        finally:
            sys.setprofile(before)
        return counted

    ours, alone = await calls(make_app()), await calls(bare)
    assert set(answers) == {201}
    assert ours <= 2.5 * alone, f"{ours} calls beside {alone}"


async def _as_it_comes(number: int, body: Thing, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> Answer:
    return Answer(name=body.name)


async def test_a_parameter_that_the_route_does_not_have_is_refused_by_name() -> None:
    router = APIRouter(dependencies=[public()])

    @router.get("/listing")
    async def listing(start: Annotated[str, Query(alias="from")] = "", limit: int = 1) -> Answer:
        return Answer(name=f"{start} {limit}")

    @router.get("/bare")
    async def bare() -> Answer:
        return Answer(name="")

    async with calling(create_app(SETTINGS, title="T", routers=[router])) as client:
        assert (await client.get("/listing?from=a&limit=3")).json()["name"] == "a 3"
        for query in ("site_id=1", "from=a&format=csv", "start=a", "limit=1&=x"):
            refused = await client.get(f"/listing?{query}")
            assert (refused.status_code, refused.json()["type"]) == (422, "parameter-unknown"), query
            assert refused.json()["allowed"] == ["from", "limit"]
        assert "'format'" in (await client.get("/listing?format=csv")).json()["detail"]
        assert (await client.get("/bare?x=1")).json()["allowed"] == []
    async with calling(create_app(SETTINGS, title="T", routers=[router], strict_query=False)) as client:
        assert (await client.get("/bare?x=1")).status_code == 200
