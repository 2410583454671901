"""The app as a client sees it: every error a problem, every route marked, every request traced and counted."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, MutableMapping
from datetime import datetime
from types import SimpleNamespace
from typing import Annotated, Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import structlog
from fastapi import APIRouter, FastAPI
from prometheus_client import REGISTRY
from pydantic import SecretStr
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse
from starlette.staticfiles import StaticFiles

from shared.auth.access import allow, optional, public
from shared.auth.tokens import Caller, Role, generate_keys, mint
from shared.errors import Conflict, ConflictError, NotFound, PermanentError, TransientError, Unauthorized
from shared.http.app import Input, Limit, Output, create_app
from shared.http.guard import MAX_BODY_BYTES
from shared.http.problems import MEDIA_TYPE
from shared.http.routes import RouteAccess, UnmarkedRouteError, walk_routes
from shared.settings import Settings

SEED, PUBLIC = generate_keys()
SETTINGS = Settings(service="recruitment", environment="test", auth_public_keys={"recruitment": PUBLIC})
MINTING = SimpleNamespace(service="recruitment", auth_signing_key=SecretStr(SEED))
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Thing(Input):
    name: str
    at: datetime
    size: int = 1


class Answer(Output):
    name: str
    caller: UUID | None = None


router = APIRouter(prefix="/api/test/v1")


@router.post("/things/{number}", status_code=201)
async def make(number: int, body: Thing, caller: Annotated[Caller, allow(Role.VOLUNTEER)], limit: Limit = 50) -> Answer:
    return Answer(name=body.name, caller=caller.subject)


@router.get("/who")
async def who(caller: Annotated[Caller | None, optional()]) -> Answer:
    return Answer(name="known" if caller else "unknown", caller=caller.subject if caller else None)


@router.get("/ping", dependencies=[public()])
async def ping() -> Answer:
    return Answer(name="微光")


ERRORS: dict[str, Exception] = {
    "refusal": Conflict("shift-full", "The shift is full.", capacity=10),
    "missing": NotFound("volunteer-unknown", "There is no such volunteer."),
    "anonymous": Unauthorized("code-wrong", "The code is wrong."),
    "transient": TransientError("10.0.0.1:5432 refused"),
    "timeout": TimeoutError("of a pool"),
    "conflict": ConflictError("The record says otherwise."),
    "permanent": PermanentError("secret inside"),
    "bug": RuntimeError("secret inside"),
    "overflow": OverflowError("secret inside"),
    "unstorable": asyncpg.CharacterNotInRepertoireError("secret inside"),
    "constraint": asyncpg.ForeignKeyViolationError("secret inside"),
    "teapot": HTTPException(418),
}


@router.get("/fail/{how}", dependencies=[public()])
async def fail(how: str) -> Answer:
    raise ERRORS[how]


@router.get("/broken-stream", dependencies=[public()])
async def broken_stream() -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError("secret inside")

    return StreamingResponse(parts())


async def healthy() -> None:
    return None


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture
def app() -> FastAPI:
    outer = APIRouter(prefix="/outer")
    inner = APIRouter()

    @inner.get("/inner/{id}", dependencies=[allow(Role.ENGINEER)])
    async def nested(id: UUID) -> Answer:
        return Answer(name=str(id))

    outer.include_router(inner, prefix="/middle")
    return create_app(SETTINGS, title="Test", routers=[router, outer], readiness={"database": healthy})


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


def bearer(*roles: Role) -> dict[str, str]:
    caller = Caller(subject=uuid4(), roles=frozenset(roles), volunteer_id=uuid4())
    return {"Authorization": f"Bearer {mint(MINTING, caller)}"}


def good() -> dict[str, Any]:
    return {"name": "王芳", "at": "2027-01-04T09:00:00+08:00"}


def check_problem(answer: httpx.Response, status: int, type: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    document: dict[str, Any] = answer.json()
    assert (document["status"], document["type"]) == (status, type)
    assert document["title"]
    assert document["detail"].endswith(".")
    assert document["correlation_id"] == answer.headers["x-correlation-id"]
    assert "secret" not in answer.text
    return document


@pytest.mark.parametrize(
    ("how", "status", "type"),
    [
        ("refusal", 409, "shift-full"),
        ("missing", 404, "volunteer-unknown"),
        ("anonymous", 401, "code-wrong"),
        ("transient", 503, "temporarily-unavailable"),
        ("timeout", 503, "temporarily-unavailable"),
        ("conflict", 409, "conflict"),
        ("permanent", 500, "internal-error"),
        ("bug", 500, "internal-error"),
        ("overflow", 422, "value-not-storable"),
        ("unstorable", 422, "value-not-storable"),
        ("constraint", 409, "conflict"),
        ("teapot", 418, "i-m-a-teapot"),
    ],
)
async def test_every_error_is_a_problem(client: httpx.AsyncClient, how: str, status: int, type: str) -> None:
    check_problem(await client.get(f"/api/test/v1/fail/{how}"), status, type)


async def test_what_nobody_foresaw_is_logged_with_its_cause(
    client: httpx.AsyncClient, logged: list[MutableMapping[str, Any]]
) -> None:
    await client.get("/api/test/v1/fail/bug")
    unhandled, access = logged
    assert (unhandled["event"], unhandled["log_level"]) == ("http.unhandled", "error")
    assert unhandled["exc_info"] is ERRORS["bug"]
    assert (access["event"], access["route"], access["status"]) == ("http.request", "/api/test/v1/fail/{how}", 500)


async def test_the_access_log_holds_no_address_and_no_body(
    client: httpx.AsyncClient, logged: list[MutableMapping[str, Any]]
) -> None:
    await client.post("/api/test/v1/things/77?phone=13812345678", json=good(), headers=bearer(Role.VOLUNTEER))
    (line,) = logged
    assert set(line) == {"event", "log_level", "method", "route", "status", "ms"}
    assert line["route"] == "/api/test/v1/things/{number}"


async def test_problems_carry_what_their_status_needs(client: httpx.AsyncClient) -> None:
    refused = await client.get("/api/test/v1/fail/refusal")
    assert refused.json()["capacity"] == 10
    assert (await client.get("/api/test/v1/fail/transient")).headers["retry-after"] == "1"
    assert (await client.get("/api/test/v1/fail/anonymous")).headers["www-authenticate"] == "Bearer"
    wrong = await client.get("/api/test/v1/things/1")
    assert check_problem(wrong, 405, "method-not-allowed")["detail"].endswith("possible are: POST.")
    assert wrong.headers["allow"] == "POST"
    check_problem(await client.get("/nowhere"), 404, "not-found")
    check_problem(await client.get("/api/test/v1/ping/"), 404, "not-found")


async def test_a_failure_after_the_first_byte_is_not_dressed_up_as_success(client: httpx.AsyncClient) -> None:
    with pytest.raises(RuntimeError):
        await client.get("/api/test/v1/broken-stream")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": 5}, "name must be text."),
        ({"at": "2027-01-04T09:00"}, "at must be a date and time with an offset, such as 2027-01-04T09:00:00+08:00."),
        ({"size": "1"}, "size must be a whole number."),
        ({"size": 1.5}, "size must be a whole number."),
        ({"colour": "red"}, "colour is not a known field."),
        ({"name": "x" * 5000}, "name must have at most 4000 characters."),
    ],
)  # fmt: skip
async def test_a_validation_error_names_the_field_and_what_is_allowed(
    client: httpx.AsyncClient, change: dict[str, Any], said: str
) -> None:
    answer = await client.post("/api/test/v1/things/1", json=good() | change, headers=bearer(Role.VOLUNTEER))
    document = check_problem(answer, 422, "invalid-input")
    assert document["detail"] == said
    assert document["errors"][0]["field"] == next(iter(change))


async def test_several_errors_are_all_listed_and_parameters_say_where_they_stand(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/test/v1/things/x?limit=1000", json={}, headers=bearer(Role.VOLUNTEER))
    document = check_problem(answer, 422, "invalid-input")
    assert [error["field"] for error in document["errors"]] == [
        "number in the path",
        "limit in the query",
        "name",
        "at",
    ]
    assert document["detail"] == "number in the path must be a whole number. There are 3 more such errors."


@pytest.mark.parametrize(
    ("content", "content_type", "status", "type"),
    [
        (b"{", "application/json", 400, "invalid-json"),
        (b'{"name": "\\ud800"}', "application/json", 400, "invalid-json"),
        (b'{"name": "\\u0000"}', "application/json; charset=utf-8", 400, "invalid-text"),
        (b'{"size": 9223372036854775808}', "application/json", 400, "number-out-of-range"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "application/json", 400, "json-too-deep"),
        (b"[" * 500_000, "application/vnd.thing+json", 400, "json-too-deep"),
        (b"x" * (MAX_BODY_BYTES + 1), "application/json", 413, "body-too-large"),
        (b"name=a", "application/x-www-form-urlencoded", 415, "unsupported-media-type"),
        (b"name=%00", "application/x-www-form-urlencoded", 400, "invalid-text"),
        (b"hello", "text/plain", 415, "unsupported-media-type"),
        (b"null", "application/json", 422, "invalid-input"),
        (b"[]", "application/json", 422, "invalid-input"),
        (b"", "application/json", 422, "invalid-input"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_bad_bodies_are_problems(
    client: httpx.AsyncClient, content: bytes, content_type: str, status: int, type: str
) -> None:
    headers = bearer(Role.VOLUNTEER) | {"Content-Type": content_type}
    check_problem(await client.post("/api/test/v1/things/1", content=content, headers=headers), status, type)


@pytest.mark.parametrize(
    "path",
    ["/api/test/v1/ping?q=%00", "/api/test/v1/%00", "/api/test/v1/%ff", "/api/test/v1/ping?n=9223372036854775808"],
)
async def test_bad_addresses_are_problems(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 400
    assert (await client.get("/api/test/v1/ping?q=%E5%BE%AE")).json()["name"] == "微光"


@pytest.mark.parametrize(
    ("headers", "status", "type"),
    [
        ({}, 401, "token-missing"),
        ({"Authorization": "Basic eDp5"}, 401, "token-missing"),
        ({"Authorization": "Bearer "}, 401, "token-missing"),
        ({"Authorization": "Bearer nonsense"}, 401, "token-invalid"),
        (bearer(Role.OPERATOR, Role.ENGINEER), 403, "role-not-allowed"),
    ],
)
async def test_who_may_not_is_told_why(
    client: httpx.AsyncClient, headers: dict[str, str], status: int, type: str
) -> None:
    document = check_problem(await client.post("/api/test/v1/things/1", json=good(), headers=headers), status, type)
    assert status == 401 or "volunteer" in document["detail"]


async def test_strangers_are_refused_before_their_input_is_discussed(client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/test/v1/things/x", json={})).status_code == 401


async def test_a_caller_is_known_where_they_may_be_unknown(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/test/v1/who")).json()["name"] == "unknown"
    assert (await client.get("/api/test/v1/who", headers=bearer(Role.RESIDENT))).json()["name"] == "known"
    wrong = await client.get("/api/test/v1/who", headers={"Authorization": "Bearer nonsense"})
    check_problem(wrong, 401, "token-invalid")


async def test_an_unmarked_route_keeps_the_app_from_starting() -> None:
    careless = APIRouter()

    @careless.get("/open")
    async def open_to_all() -> Answer:
        return Answer(name="oops")

    wrapped = APIRouter()
    wrapped.include_router(careless, prefix="/deep")
    with pytest.raises(UnmarkedRouteError, match="/deep/open"):
        create_app(SETTINGS, title="Test", routers=[router, wrapped])


async def test_a_route_added_later_keeps_the_app_from_starting(app: FastAPI) -> None:
    @app.get("/late")
    async def late() -> Answer:
        return Answer(name="oops")

    with pytest.raises(UnmarkedRouteError, match="/late"):
        async with app.router.lifespan_context(app):
            raise AssertionError("must not start")


async def test_a_foreign_app_may_not_be_mounted_unmarked(app: FastAPI, tmp_path: Any) -> None:
    app.mount("/static", StaticFiles(directory=tmp_path))
    assert RouteAccess("GET", "/static", None) in list(walk_routes(app))
    app.mount("/foreign", FastAPI())
    with pytest.raises(UnmarkedRouteError, match="/foreign"):
        list(walk_routes(app))


def test_walking_names_every_route_with_its_roles(app: FastAPI) -> None:
    volunteers, engineers = frozenset({Role.VOLUNTEER}), frozenset({Role.ENGINEER})
    routes = {(route.method, route.path): route.roles for route in walk_routes(app)}
    assert routes["POST", "/api/test/v1/things/{number}"] == volunteers
    assert routes["GET", "/outer/middle/inner/{id}"] == engineers
    assert routes["GET", "/api/test/v1/who"] is None
    assert {path for (_, path), roles in routes.items() if roles is None} >= {"/healthz", "/readyz", "/metrics"}


def test_two_marks_need_both() -> None:
    narrow = APIRouter(dependencies=[allow(Role.STATION, Role.OPERATOR)])

    @narrow.get("/narrow")
    async def narrowed(caller: Annotated[Caller, allow(Role.OPERATOR, Role.ENGINEER)]) -> Answer:
        return Answer(name=str(caller.subject))

    found = {route.path: route.roles for route in walk_routes(create_app(SETTINGS, title="T", routers=[narrow]))}
    assert found["/narrow"] == frozenset({Role.OPERATOR})


async def test_a_trace_is_continued_and_answered(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/test/v1/ping", headers={"traceparent": PARENT, "X-Correlation-Id": "drive-7"})
    assert answer.headers["traceparent"].split("-")[1] == PARENT.split("-")[1]
    assert answer.headers["traceparent"] != PARENT
    assert answer.headers["x-correlation-id"] == "drive-7"
    fresh = await client.get("/api/test/v1/ping", headers={"traceparent": "junk", "X-Correlation-Id": "a b\x7f"})
    assert fresh.headers["x-correlation-id"] == fresh.headers["traceparent"].split("-")[1]


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

    app = create_app(SETTINGS, title="T", routers=[], readiness={"database": healthy, "broker": down})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        ready = await client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json() == {"status": "unavailable", "checks": {"database": "ok", "broker": "failed"}}


async def test_a_check_that_hangs_does_not_hang_readiness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.http.health.CHECK_SECONDS", 0.01)
    app = create_app(SETTINGS, title="T", routers=[], readiness={"broker": asyncio.Event().wait})  # type: ignore[dict-item]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get("/readyz")).json()["checks"] == {"broker": "timeout"}


async def test_the_description_is_served_without_foreign_pages(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert "/api/test/v1/things/{number}" in document["paths"]
    assert "/healthz" not in document["paths"]
    assert (await client.get("/docs")).status_code == 404


async def test_a_simple_request_costs_less_than_a_millisecond_of_processor(app: FastAPI) -> None:
    """1,000 requests a second and core; measured as processor time, so that a busy machine does not matter."""
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

    async def run(times: int) -> float:
        began = time.process_time()
        for _ in range(times):
            await app({**scope, "asgi": {"version": "3.0"}, "http_version": "1.1", "root_path": ""}, receive, send)
        return (time.process_time() - began) / times

    await run(20)
    best = min([await run(100) for _ in range(3)])
    assert set(answers) == {201}
    assert best < 0.001, f"{best * 1e6:.0f} µs"
