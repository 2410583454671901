"""Requests made from an app's own description: plausible ones, and ones with a hostile value in one place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import quote
from uuid import uuid4

__all__ = ["HOSTILE", "Call", "calls_of", "hostile_calls"]

HOSTILE: tuple[Any, ...] = (
    None, True, -1, 0, 1.5, 2**31, 2**63 - 1, -(2**63), 1e18, "", " ", "x", "-1", "微光", "x" * 4000, "字" * 4000,
    "\u202e\u200b\x07\x1b", "'; --", "{}", "../..", "9999-12-31T23:59:59-14:00", "1900-01-01T00:00:00Z",
    "2199-12-31T23:59:59Z", "1900-01-01", "2199-12-31", "00000000-0000-0000-0000-000000000000", [], {}, [[]],
    [None], ["x"], {"x": "x"},
)  # fmt: skip
"""All of them are JSON that the guard lets through: what is left is for handlers and the database."""


_TEXTS = {"phone": "13812345678", "code": "123456", "username": "someone", "password": "long-Enough-2026!"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request; ``changed`` says what was made hostile."""

    method: str
    template: str
    path: dict[str, str]
    query: dict[str, str]
    parameters: tuple[str, ...]
    body: Any = None
    required: tuple[str, ...] = ()
    changed: str = ""

    @property
    def lean(self) -> "Call":
        """The same call with only the fields that must be there."""
        return replace(self, body={key: self.body[key] for key in self.required}) if self.required else self

    @property
    def url(self) -> str:
        url = self.template
        for name, value in self.path.items():
            url = url.replace("{" + name + "}", quote(value, safe=""))
        return url


def calls_of(document: dict[str, Any], known: Mapping[str, str]) -> Iterator[Call]:
    """A plausible call of every operation; ``known`` are names of fields and what they may hold, ids above all."""
    for template, operations in document["paths"].items():
        for method, operation in operations.items():
            parameters = operation.get("parameters", [])

            path, query = (
                {
                    p["name"]: str(_example(p["schema"], document, p["name"], known))
                    for p in parameters
                    if p["in"] == place
                }
                for place in ("path", "query")
            )
            needed = {p["name"] for p in parameters if p.get("required")}
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            body = _example(content["schema"], document, "", known) if content else None
            yield Call(
                method.upper(),
                template,
                path,
                {name: value for name, value in query.items() if name in needed},
                tuple(query),
                body,
                _required(content["schema"], document) if content else (),
            )


def hostile_calls(call: Call) -> Iterator[Call]:
    """The call with a hostile value in each place of it, one at a time."""
    for name in call.path:
        for value in ("x", "0", "-1", "微光", "9223372036854775807", "%00%", "00000000-0000-0000-0000-000000000000"):
            yield replace(call, path={**call.path, name: value}, changed=f"path {name} = {value!r}")
    for name in call.parameters:
        for value in HOSTILE:
            if isinstance(value, str | int | float):
                query = {**call.query, name: str(value)}
                yield replace(call, query=query, changed=f"query {name} = {str(value)[:40]!r}")
    if call.body is not None:
        turn = count()
        for where, body in _mutations(call.body, "", turn):
            yield replace(call, body=body, changed=where)


def _mutations(value: Any, where: str, turn: Iterator[int]) -> Iterator[tuple[str, Any]]:
    """Each place gets every third hostile value, the next place the next third: all of them, in a third of the time."""
    for other in HOSTILE[next(turn) % 3 :: 3]:
        yield f"{where or 'body'} = {str(other)[:40]!r}", other
    if isinstance(value, dict):
        for key, item in value.items():
            yield f"without {where}.{key}", {k: v for k, v in value.items() if k != key}
            for place, changed in _mutations(item, f"{where}.{key}", turn):
                yield place, {**value, key: changed}
        yield f"{where}.unknown", {**value, "unknown": 1}
    if isinstance(value, list) and value:
        for place, changed in _mutations(value[0], f"{where}[0]", turn):
            yield place, [changed, *value[1:]]
        yield f"{where} twice", [*value, *value]


def _example(schema: dict[str, Any], document: dict[str, Any], name: str, known: Mapping[str, str]) -> Any:
    if "$ref" in schema:
        return _example(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document, name, known)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            branch = next((b for b in schema[union] if b.get("type") != "null"), schema[union][0])
            return _example(branch, document, name, known)
    kind = schema.get("type")
    if kind == "object":
        return {key: _example(inner, document, key, known) for key, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [
            _example(schema.get("items", {}), document, name, known) for _ in range(max(1, schema.get("minItems", 0)))
        ]
    if kind == "integer":
        return max(1, schema.get("minimum", 1))
    if kind == "number":
        return max(1.0, schema.get("minimum", 1.0))
    if kind == "boolean":
        return True
    return _text(schema, name, known)


def _required(schema: dict[str, Any], document: dict[str, Any]) -> tuple[str, ...]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return tuple(schema.get("required", ()))


def _text(schema: dict[str, Any], name: str, known: Mapping[str, str]) -> str:
    if name in known:
        return known[name]
    if schema.get("format") == "uuid":
        return str(uuid4())
    if schema.get("format") == "date-time":
        later = timedelta(hours=2) if "end" in name or "until" in name or name == "to" else timedelta()
        return (datetime.now(UTC) + later).isoformat(timespec="seconds")
    if schema.get("format") == "date":
        return "2026-02-01"
    if schema.get("format") == "time":
        return "21:30"
    text = _TEXTS.get(name, "微光")
    return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", 4000)]
