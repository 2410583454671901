"""What the guard lets through, what it refuses, and that it names the place."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import Refusal
from shared.http.guard import (
    MAX_BODY_BYTES,
    MAX_DEPTH,
    MAX_INTEGER,
    MIN_INTEGER,
    RequestGuard,
    check_json,
    check_target,
)
from tests.support.depth import examples


def refusal(body: bytes) -> Refusal:
    with pytest.raises(Refusal) as refused:
        check_json(body)
    assert refused.value.status == 400
    return refused.value


def test_the_limits_are_what_is_promised() -> None:
    assert MAX_BODY_BYTES == 1024 * 1024
    assert MAX_DEPTH == 32
    assert (MIN_INTEGER, MAX_INTEGER) == (-(2**63), 2**63 - 1)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"null",
        '{"名字": "微光 \\u5fae", "at": "09:30:00", "n": [1, -2.5, true, null]}'.encode(),
        b'{"a": "\\\\u0000", "b": "\\"a\\": 1"}',  # a backslash and letters, not the character
        b'{"a": {"x": 1}, "b": {"x": 1}}',
        f"[{MAX_INTEGER}, {MIN_INTEGER}]".encode(),
        b"[" * MAX_DEPTH + b"]" * MAX_DEPTH,
        b'"\\ud83d\\ude00"',  # a pair of surrogates is one character
    ],
)
def test_good_json_passes(body: bytes) -> None:
    check_json(body)


@pytest.mark.parametrize(
    ("body", "type", "said"),
    [
        (b"{", "invalid-json", "line 1"),
        (b'{"n": NaN}', "invalid-json", "not valid JSON"),
        (b'{"n": Infinity}', "invalid-json", "not valid JSON"),
        (b'{"n": 1e400}', "invalid-json", "not valid JSON"),
        (b'"\\ud800"', "invalid-json", "surrogate"),
        (b'{"\\udfff": 1}', "invalid-json", "surrogate"),
        (b'"\xed\xa0\x80"', "invalid-json", "UTF-8"),
        (b'"\xff"', "invalid-json", "UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "invalid-json", "not valid JSON"),
        (b"\xef\xbb\xbf{}", "invalid-json", "not valid JSON"),
        (b'{"a": [{"b": "x\\u0000y"}]}', "invalid-text", "a[0].b"),
        (b'{"a": {"x\\u0000": 1}}', "invalid-text", "key in a"),
        (b'"\\u0000"', "invalid-text", "The body"),
        (b'{"a": {"n": 9223372036854775808}}', "number-out-of-range", "a.n"),
        (b'{"n": -9223372036854775809}', "number-out-of-range", "n is"),
        (b'{"n": 123456789012345678901234567890}', "number-out-of-range", "n is"),
        (b'{"n": 1e30}', "number-out-of-range", "n is"),
        (b'{"n": -1e30}', "number-out-of-range", "n is"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "json-too-deep", str(MAX_DEPTH)),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "json-too-deep", str(MAX_DEPTH)),
        (b"[" * 10_000 + b"]" * 10_000, "json-too-deep", str(MAX_DEPTH)),
        (b"[" * 200_000, "json-too-deep", str(MAX_DEPTH)),
        (b'{"a": 1, "a": 1}', "duplicate-key", "'a'"),
        (b'{"o": [{"at": "09:30", "x": 1, "x": 2}]}', "duplicate-key", "'x'"),
        (b'{"a": 1, "\\u0061": 2}', "duplicate-key", "'a'"),
    ],
)
def test_bad_json_is_refused_with_the_place(body: bytes, type: str, said: str) -> None:
    found = refusal(body)
    assert found.type == type
    assert said in found.detail


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(MIN_INTEGER, MAX_INTEGER) | st.floats(-1e18, 1e18) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def outcome(body: bytes) -> Refusal | None:
    try:
        check_json(body)
    except Refusal as refused:
        return refused
    return None


@given(VALUES)
@settings(max_examples=examples())
def test_every_storable_value_passes_and_nothing_else_does(value: Any) -> None:
    refused = outcome(json.dumps(value, ensure_ascii=False).encode("utf-8"))
    if "\x00" in "".join(_texts(value)):
        assert refused is not None
        assert refused.type == "invalid-text"
    else:
        assert refused is None


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in [key, *_texts(item)]]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return []


@given(st.binary(max_size=200))
def test_no_bytes_break_the_check(body: bytes) -> None:
    refused = outcome(body)
    assert refused is None or refused.status == 400


@pytest.mark.parametrize(
    ("path", "query", "status", "type"),
    [
        ("/a\x00b", b"", 400, "invalid-text"),
        ("/a\ufffdb", b"", 400, "invalid-text"),
        ("/rules/9223372036854775808", b"", 400, "number-out-of-range"),
        ("/rules/-99999999999999999999/x", b"", 400, "number-out-of-range"),
        ("/a", b"q=%00", 400, "invalid-text"),
        ("/a", b"q=\x00", 400, "invalid-text"),
        ("/a", b"q=%ff", 400, "invalid-text"),
        ("/a", b"q=%ed%a0%80", 400, "invalid-text"),
        ("/a", b"n=9223372036854775808", 400, "number-out-of-range"),
        ("/a", b"m=1&n=-9223372036854775809&o=1", 400, "number-out-of-range"),
        ("/a", b"n=" + b"9" * 5000, 400, "number-out-of-range"),
        ("/a", b"q=" + b"x" * 9000, 414, "address-too-long"),
    ],
)
def test_bad_addresses_are_refused(path: str, query: bytes, status: int, type: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_target(path, query)
    assert (refused.value.status, refused.value.type) == (status, type)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/points/v1/accounts/019aa2f4-7c3e-7b0a-9d3f-138123456789", b"limit=50&cursor=AbC-_"),
        ("/微光", "q=微光".encode()),
        ("/a", b"q=%E5%BE%AE%E5%85%89&from=2027-01-04T09%3A00%3A00%2B08%3A00"),
        ("/a", f"n={MAX_INTEGER}&m={MIN_INTEGER}".encode()),
        ("/a/1234567890123456789", b""),
    ],
)
def test_good_addresses_pass(path: str, query: bytes) -> None:
    check_target(path, query)


async def _through(app: Any, headers: list[tuple[bytes, bytes]], *chunks: bytes, method: str = "POST") -> int:
    """How many chunks the guard read."""
    read = 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": chunks[read - 1], "more_body": read < len(chunks)}

    async def send(message: Any) -> None:
        raise AssertionError("nothing is sent here")

    scope = {"type": "http", "method": method, "path": "/", "query_string": b"", "headers": headers}
    if app is unreachable:
        with pytest.raises(Refusal) as refused:
            await RequestGuard(app)(scope, receive, send)
        assert refused.value.status == 413
    else:
        await RequestGuard(app)(scope, receive, send)
    return read


async def unreachable(*_: Any) -> None:
    raise AssertionError("must not be reached")


async def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    for length in (str(MAX_BODY_BYTES + 1), "9" * 30, "-1", "1e3"):
        assert await _through(unreachable, [(b"content-length", length.encode())], b"x") == 0


async def test_a_chunked_body_is_stopped_at_the_limit() -> None:
    chunk = b"x" * 100_000
    assert await _through(unreachable, [(b"transfer-encoding", b"chunked")], *[chunk] * 50) == 11
    assert await _through(unreachable, [(b"transfer-encoding", b"chunked")], *[chunk] * 50, method="DELETE") == 11
    assert await _through(unreachable, [], *[chunk] * 50) == 11


async def test_a_body_in_pieces_arrives_whole() -> None:
    seen = b""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal seen
        message = await receive()
        assert not message["more_body"]
        seen = message["body"]

    await _through(app, [(b"content-type", b"application/json")], b'{"a"', b": ", b"1}")
    assert seen == b'{"a": 1}'


async def test_a_client_that_goes_away_is_not_answered() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError("must not be answered")

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}
    await RequestGuard(unreachable)(scope, receive, send)


async def test_a_body_that_dawdles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.http.guard.BODY_SECONDS", 0.01)

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        raise AssertionError

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}
    with pytest.raises(Refusal) as refused:
        await RequestGuard(unreachable)(scope, receive, send)
    assert refused.value.status == 408
