"""The request guard: refuses bodies too large, too deep, or holding what PostgreSQL and JSON cannot.

The body is read whole (at most 1 MiB), checked, and handed on. The checks run on plain values with a stack of their
own, so depth never becomes recursion. A pure ASGI middleware: BaseHTTPMiddleware costs a task per request.
"""

import asyncio
import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import Refusal

__all__ = ["MAX_BODY_BYTES", "MAX_DEPTH", "MAX_INTEGER", "MIN_INTEGER", "RequestGuard", "check_json", "check_target"]

MAX_BODY_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_TARGET_BYTES = 8192
MAX_INTEGER, MIN_INTEGER = 2**63 - 1, -(2**63)
BODY_SECONDS = 20.0
"""A body that takes longer to arrive is given up."""

_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_LONG_NUMBER = re.compile(r"(?:^|[/=&])([-+]?\d{19,})(?=$|[/&])")
_BODYLESS = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})

Path = tuple[Any, ...] | None
"""Where a value stands, as a chain (parent path, key): cheap to extend, written out only in an error."""


class RequestGuard:
    """ASGI middleware. Raises `Refusal`, which the edge around it answers as a problem."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        check_target(scope["path"], scope["query_string"])
        length, chunked, content_type = _body_headers(scope["headers"])
        if length is None and not chunked and scope["method"] in _BODYLESS:
            await self.app(scope, receive, send)
            return
        if length is not None and length > self.max_body_bytes:
            raise self._too_large()
        body = await self._read(receive)
        if body is None:
            return  # the client went away
        if body:
            check_body(body, content_type)
        await self.app(scope, _replay(body, receive), send)

    async def _read(self, receive: Receive) -> bytes | None:
        chunks: list[bytes] = []
        size, more = 0, True
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while more:
                    message = await receive()
                    if message["type"] != "http.request":
                        return None
                    chunk = message.get("body", b"")
                    size += len(chunk)
                    if size > self.max_body_bytes:
                        raise self._too_large()
                    chunks.append(chunk)
                    more = message.get("more_body", False)
        except TimeoutError:
            detail = f"The body did not arrive within {BODY_SECONDS:.0f} seconds."
            raise Refusal("body-too-slow", detail, status=408) from None
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _too_large(self) -> Refusal:
        detail = f"The body is larger than {self.max_body_bytes} bytes. Send less at once."
        return Refusal("body-too-large", detail, status=413, limit=self.max_body_bytes)


def _body_headers(headers: Sequence[tuple[bytes, bytes]]) -> tuple[int | None, bool, bytes]:
    length, chunked, content_type = None, False, b""
    for name, value in headers:
        if name == b"content-length":
            length = int(value) if value.isdigit() and len(value) < 19 else MAX_INTEGER
        elif name == b"transfer-encoding":
            chunked = True
        elif name == b"content-type":
            content_type = value.partition(b";")[0].strip().lower()
    return length, chunked, content_type


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def check_target(path: str, query: bytes) -> None:
    """Refuse an address that holds NUL, is not UTF-8, or has a number past 64 bits.

    Raises:
        Refusal: 400 or 414, with a sentence that says which.
    """
    if len(path) + len(query) > MAX_TARGET_BYTES:
        raise Refusal("address-too-long", f"The address is longer than {MAX_TARGET_BYTES} characters.", status=414)
    if "\x00" in path:
        raise Refusal("invalid-text", "The path holds the character U+0000, which is not allowed.", status=400)
    if not path.isascii() and ("\ufffd" in path or not _encodable(path)):
        raise Refusal("invalid-text", "The path is not valid UTF-8.", status=400)
    if _LONG_NUMBER.search(path) and _past_64_bits(path):
        raise _number_out_of_range("The path")
    if query:
        _check_form(query, "The query")


def check_body(body: bytes, content_type: bytes) -> None:
    """Refuse a body that its content type does not allow.

    Raises:
        Refusal: 400, with a sentence that says what and where.
    """
    if content_type == b"application/json" or content_type.endswith(b"+json"):
        check_json(body)
    elif content_type == b"application/x-www-form-urlencoded":
        _check_form(body, "The form")


def _check_form(text: bytes, what: str) -> None:
    plain = unquote_to_bytes(text.replace(b"+", b" ")) if b"%" in text else text
    if b"\x00" in plain:
        raise Refusal("invalid-text", f"{what} holds the character U+0000, which is not allowed.", status=400)
    try:
        decoded = plain.decode()
    except UnicodeDecodeError:
        raise Refusal("invalid-text", f"{what} is not valid UTF-8.", status=400) from None
    if len(decoded) >= 19 and _past_64_bits(decoded):
        raise _number_out_of_range(what)


def _past_64_bits(text: str) -> bool:
    return any(
        len(digits) > 20 or not MIN_INTEGER <= int(digits) <= MAX_INTEGER for digits in _LONG_NUMBER.findall(text)
    )


def _number_out_of_range(what: str) -> Refusal:
    detail = f"{what} holds a number outside of {MIN_INTEGER} to {MAX_INTEGER}."
    return Refusal("number-out-of-range", detail, status=400)


def check_json(body: bytes) -> None:
    """Refuse JSON that is broken, ambiguous, or holds what cannot be stored.

    That is: NaN and infinity, lone surrogates, invalid UTF-8, nesting past `MAX_DEPTH`, U+0000, numbers past 64 bits,
    and a key given twice in one object.

    Raises:
        Refusal: 400, with a sentence that says what and where.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if "depth" in str(error) or "recursion" in str(error).lower():
            raise _too_deep() from None
        detail = f"The body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        raise Refusal("invalid-json", detail, status=400) from None
    keys = _check_values(value)
    if body.count(b":") != keys and _STRINGS.sub(b"", body).count(b":") != keys:
        raise Refusal("duplicate-key", f"The key {_repeated_key(body)} is given twice in one object.", status=400)


def _check_values(root: Any) -> int:
    """Check every value, and count the keys: fewer than there are colons means that one was given twice."""
    keys = 0
    stack: list[tuple[Any, int, Path]] = [(root, 1, None)]
    while stack:
        node, depth, path = stack.pop()
        kind = type(node)
        if kind is str:
            if "\x00" in node:
                detail = f"{_where(path)} holds the character U+0000, which is not allowed."
                raise Refusal("invalid-text", detail, status=400, field=_written(path))
        elif kind is int or kind is float:
            # integers past 64 bits arrive as floats
            if not MIN_INTEGER <= node <= MAX_INTEGER or (kind is float and abs(node) >= 2.0**63):
                detail = f"{_where(path)} is a number outside of {MIN_INTEGER} to {MAX_INTEGER}."
                raise Refusal("number-out-of-range", detail, status=400, field=_written(path))
        elif kind is dict:
            if depth > MAX_DEPTH:
                raise _too_deep()
            keys += len(node)
            for key, item in node.items():
                if "\x00" in key:
                    detail = f"A key in {_where(path)} holds the character U+0000, which is not allowed."
                    raise Refusal("invalid-text", detail, status=400)
                if item is not None:
                    stack.append((item, depth + 1, (path, key)))
        elif kind is list:
            if depth > MAX_DEPTH:
                raise _too_deep()
            stack.extend((item, depth + 1, (path, index)) for index, item in enumerate(node))
    return keys


def _too_deep() -> Refusal:
    detail = f"The body is nested deeper than {MAX_DEPTH} levels."
    return Refusal("json-too-deep", detail, status=400, limit=MAX_DEPTH)


def _written(path: Path) -> str:
    parts: list[str] = []
    while path is not None:
        path, step = path
        parts.append(f"[{step}]" if isinstance(step, int) else f".{step}")
    return "".join(reversed(parts)).lstrip(".")[:200]


def _where(path: Path) -> str:
    return _written(path) or "The body"


def _repeated_key(body: bytes) -> str:
    """The first key that an object holds twice. The body is known to be valid and shallow."""
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                found.append(key)
            seen.add(key)

    json.loads(body, object_pairs_hook=look)
    return repr(found[0][:100]) if found else "(unnamed)"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
