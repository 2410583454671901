"""The OpenAPI document of an app: roles, the Idempotency-Key where needed, and problems on every operation."""

from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from shared.auth.access import Optional
from shared.http.problems import MEDIA_TYPE
from shared.http.routes import walk_routes

__all__ = ["describe", "needs_key"]

BEARER = "bearer"
_KEYED = "once"
_DEPTH = 3
_PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "type": "object",
    "description": "RFC 9457. `type` is a stable slug; further members say more about some types.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "correlation_id": {"type": "string"},
    },
    "additionalProperties": True,
}
_DEFAULT = {
    "description": "A problem: the request is refused, or the service cannot answer now.",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "A value of your own, new for each act, such as a UUID. The same key and body give the same answer.",
    "schema": {"type": "string", "minLength": 22, "maxLength": 128, "pattern": "^[A-Za-z0-9][A-Za-z0-9._:+/=-]*$"},
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the app."""
    document = get_openapi(title=app.title, version="1", openapi_version="3.1.0", routes=app.routes)
    roles = {(route.method, route.path): route.roles for route in walk_routes(app)}
    endpoints = {
        (method, context.path_format or context.path or "/"): context
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
        for method in context.methods or ()
    }
    for path, operations in document.get("paths", {}).items():
        for method, operation in operations.items():
            route = (method.upper(), path)
            context = endpoints.get(route)
            _refine(operation, roles.get(route), context)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = _PROBLEM
    components["securitySchemes"] = {BEARER: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    return document


def _refine(operation: dict[str, Any], roles: frozenset[Any] | None, context: Any) -> None:
    responses = operation.setdefault("responses", {})
    responses.pop("422", None)
    responses["default"] = _DEFAULT
    if roles is not None:
        operation["security"] = [{BEARER: []}]
        operation["x-roles"] = sorted(str(role) for role in roles)
    elif context is not None and any(isinstance(mark, Optional) for mark in _marks(context.dependant)):
        operation["security"] = [{}, {BEARER: []}]
    if context is not None and needs_key(context.endpoint):
        operation.setdefault("parameters", []).append(_KEY)


def _marks(dependant: Any) -> Iterator[Any]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _marks(dependency)


def needs_key(endpoint: Callable[..., Any]) -> bool:
    """Whether the endpoint does its work by `once`, itself or through functions that it calls by name."""
    return isinstance(endpoint, FunctionType) and _calls_once(endpoint, _DEPTH, set())


def _calls_once(function: FunctionType, depth: int, seen: set[int]) -> bool:
    if id(function) in seen or depth == 0:
        return False
    seen.add(id(function))
    for name in _names(function.__code__):
        called = function.__globals__.get(name)
        if getattr(called, "__module__", "") == "shared.http.idempotency" and name == _KEYED:
            return True
        if not isinstance(called, FunctionType) or called.__module__ != function.__module__:
            continue
        if _calls_once(called, depth - 1, seen):
            return True
    return False


def _names(code: CodeType) -> Iterator[str]:
    """Global names that a function's code uses, inner functions included."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
