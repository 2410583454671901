"""What no route takes: bodies, values, ids, cursors and headers that are wrong for certain, as bytes on the wire."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from tests.support.openapi import Call

__all__ = ["BODIES", "JSON", "KEYS", "TYPES", "Sent", "nonsense_of"]

JSON = "application/json"
DEEP = 10_000
CURSORS = ("x", "AAAA", "!", "%00", "x" * 600, "%ED%A0%80", "bnVsbA", "%F0%9F", "..%2F..", "9223372036854775808")
"""Escaped, as they stand in an address."""
PATHS = (
    "%00", "a%00b", "..%2F..%2Fetc", "%2e%2e", "%ff%fe", "%ed%a0%80", "9223372036854775808", "-9223372036854775809",
    "x" * 3000, "x" * 9000, "%E5%BE%AE%E5%85%89", "'%3B--", "%20", "%0d%0aX-Y:1",
    "00000000-0000-0000-0000-00000000000g", "%7B%7D", "nan", "*",
)  # fmt: skip
LONG = "字" * 50_000
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "half an object": b'{"a"',
    "two values": b"{} {}",
    "invalid UTF-8": b'{"a": "\xff\xfe"}',
    "a surrogate in UTF-8": b'{"a": "\xed\xa0\x80"}',
    "a lone surrogate": rb'{"a": "\ud800"}',
    "NUL": rb'{"a": "\u0000"}',
    "a NUL byte": b'{"a": "\x00"}',
    "NUL in a name": rb'{"a\u0000": 1}',
    "NaN": b'{"a": NaN}',
    "an integer of 20 digits": b'{"a": 99999999999999999999}',
    "2^63": b'{"a": 9223372036854775808}',
    "-2^63-1": b'{"a": -9223372036854775809}',
    "a number without end": b'{"a": ' + b"9" * 5000 + b"}",
    "past any float": b'{"a": 1e999}',
    "arrays 10,000 deep": b"[" * DEEP + b"]" * DEEP,
    "objects 10,000 deep": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "open arrays": b"[" * DEEP,
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "null": b"null",
    "a list": b"[]",
    "a text": b'"text"',
    "a number": b"1",
    "unknown fields": b'{"no_such_field": 1, "__proto__": {}}',
    "2 MB": b'{"a": "' + b"x" * 2_000_000 + b'"}',
}
TYPES = ("text/plain", "application/xml", "multipart/form-data; boundary=x", "application/octet-stream", "")
KEYS = ("", " ", "x" * 129, "a b", "-x", "a;b", 'a"b', "微光")


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as it goes out; ``said`` tells what is wrong with it. ``target`` is escaped already."""

    method: str
    target: str
    said: str
    body: bytes | None = None
    type: str = JSON
    key: str | None = field(default="nonsense-0")


def _plain(call: Call) -> Sent:
    """The call itself, with nothing wrong in it."""
    target = call.url
    if call.query:
        target += "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in call.query.items())
    body = None if call.body is None else json.dumps(call.body, ensure_ascii=False).encode()
    return Sent(call.method, target, "nothing", body)


def nonsense_of(call: Call, *, keyed: bool) -> Iterator[Sent]:
    """The call with one thing wrong, for each thing that may be; ``keyed`` if the route wants an Idempotency-Key."""
    good = _plain(call)
    yield from _targets(call, good)
    if call.body is None:
        return
    for said, body in BODIES.items():
        yield replace(good, body=body, said=f"body: {said}")
    for type in TYPES:
        yield replace(good, type=type, said=f"content type {type!r}")
    for said, value in _spoilt(call.body, ""):
        yield replace(good, body=value.encode("utf-8", "surrogatepass"), said=said)
    if keyed:
        for key in KEYS:
            yield replace(good, key=key, said=f"Idempotency-Key {key!r}")
        yield replace(good, key=None, said="no Idempotency-Key")


def _targets(call: Call, good: Sent) -> Iterator[Sent]:
    _, _, query = good.target.partition("?")
    for name in call.path:
        for value in PATHS:
            url = call.template
            for other, kept in call.path.items():
                url = url.replace("{" + other + "}", value if other == name else quote(kept, safe=""))
            yield replace(good, target=url + (f"?{query}" if query else ""), said=f"path {name}={value[:60]}")
    for name in call.parameters:
        rest = "&".join(f"{other}={quote(value, safe='')}" for other, value in call.query.items() if other != name)
        for value in (
            "%00",
            "%ed%a0%80",
            "%ff",
            "9223372036854775808",
            "x" * 9000,
            *(CURSORS if name == "cursor" else ()),
        ):
            query = f"{name}={value}" + (f"&{rest}" if rest else "")
            yield replace(good, target=f"{call.url}?{query}", said=f"query {name}={value[:60]}")


def _spoilt(body: Any, where: str) -> Iterator[tuple[str, str]]:
    """The body as JSON text with one value spoilt, or a field more."""
    marker = "\ue000"
    for place, changed in _places(body, where, marker):
        text = json.dumps(changed, ensure_ascii=False)
        for said, raw in (
            ("NUL", r'"\u0000"'),
            ("text with NUL", r'"a\u0000b"'),
            ("lone surrogate", r'"\ud800"'),
            ("other lone surrogate", r'"a\udfffb"'),
            ("2^63", "9223372036854775808"),
            ("-2^63-1", "-9223372036854775809"),
            ("past any float", "1e400"),
            ("object of nothing known", r'{"no_such_field": [1]}'),
            ("lists in lists", "[[[[1]]]]"),
            ("too long", json.dumps(LONG)),
        ):
            yield f"{place} = {said}", text.replace(json.dumps(marker, ensure_ascii=False), raw)
    if isinstance(body, dict):
        yield f"{where}.no_such_field", json.dumps({**body, "no_such_field": 1}, ensure_ascii=False)


def _places(value: Any, where: str, marker: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            for place, changed in _places(item, f"{where}.{name}", marker):
                yield place, {**value, name: changed}
    elif isinstance(value, list):
        for place, changed in _places(value[0], f"{where}[0]", marker):
            yield place, [changed, *value[1:]]
    else:
        yield where, marker
