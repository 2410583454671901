"""Check that a newer schema can read everything written under an older one (BACKWARD, per pair of schemas).

Rules for the subset of JSON Schema that pydantic exports: nothing newly required, no type or enum value taken away, no
bound tightened. Members that the newer schema no longer knows are ignored by readers, so removing one breaks nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["breaks"]

Schema = Mapping[str, Any]

_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")


def breaks(old: Schema, new: Schema) -> list[str]:
    """Each way in which data valid under ``old`` could be refused under ``new``; empty when compatible."""
    return list(_compare("data", _Node(old, old), _Node(new, new)))


class _Node:
    """A schema together with the root that its references point into."""

    def __init__(self, schema: Schema, root: Schema) -> None:
        while "$ref" in schema:
            name = schema["$ref"].removeprefix("#/$defs/")
            schema = root["$defs"][name]
        self.schema = schema
        self.root = root

    def child(self, schema: Schema) -> "_Node":
        return _Node(schema, self.root)

    def alternatives(self) -> list["_Node"]:
        choices = self.schema.get("anyOf")
        if choices is None:
            return [self]
        return [leaf for choice in choices for leaf in self.child(choice).alternatives()]


def _compare(where: str, old: _Node, new: _Node) -> Iterator[str]:
    for leaf in old.alternatives():
        found = [list(_compare_leaf(where, leaf, candidate)) for candidate in new.alternatives()]
        if [] not in found:
            yield from min(found, key=len)


def _compare_leaf(where: str, old: _Node, new: _Node) -> Iterator[str]:
    before, after = old.schema, new.schema
    kind = after.get("type")
    if kind is not None and before.get("type") != kind and not (before.get("type") == "integer" and kind == "number"):
        yield f"{where}: was {before.get('type', 'anything')}, is now {kind}"
        return
    if (allowed := _values(after)) is not None:
        written = _values(before)
        lost = "any value" if written is None else sorted(map(str, written - allowed))
        if lost:
            yield f"{where}: no longer allows {lost}"
    yield from _bounds(where, before, after)
    if "format" in after and before.get("format") != after["format"]:
        yield f"{where}: the format was {before.get('format', 'free')}, is now {after['format']}"
    if kind == "array":
        yield from _compare(f"{where}[]", old.child(before.get("items", {})), new.child(after.get("items", {})))
    if kind == "object":
        yield from _members(where, old, new)


def _values(schema: Schema) -> frozenset[Any] | None:
    if "const" in schema:
        return frozenset({schema["const"]})
    return frozenset(schema["enum"]) if "enum" in schema else None


def _bounds(where: str, before: Schema, after: Schema) -> Iterator[str]:
    for name in _LOWER:
        if name in after and before.get(name, float("-inf")) < after[name]:
            yield f"{where}: {name} was {before.get(name, 'open')}, is now {after[name]}"
    for name in _UPPER:
        if name in after and before.get(name, float("inf")) > after[name]:
            yield f"{where}: {name} was {before.get(name, 'open')}, is now {after[name]}"


def _members(where: str, old: _Node, new: _Node) -> Iterator[str]:
    before, after = old.schema.get("properties", {}), new.schema.get("properties", {})
    required = set(new.schema.get("required", ()))
    for name in sorted(required - set(old.schema.get("required", ()))):
        yield f"{where}.{name}: is newly required"
    for name in before.keys() & after.keys():
        yield from _compare(f"{where}.{name}", old.child(before[name]), new.child(after[name]))
