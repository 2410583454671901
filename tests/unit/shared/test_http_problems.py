"""Every error that a client sees is a problem that says what is wrong and what is allowed."""

from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any

import httpx
import pytest
import structlog

from shared.auth.tokens import Role
from shared.http.guard import MAX_BODY_BYTES
from tests.support.sample_api import (
    ERRORS,
    bearer,
    calling,
    check_problem,
    good,
    make_app,
)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with calling(make_app()) as client:
        yield client


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
    assert (await client.get("/api/test/v1/ping?q=%E5%BE%AE")).json()["name"] == "微"
