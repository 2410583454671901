"""Default deny: which routes an app has, and who may call each."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from shared.auth.access import Allow, Public
from shared.auth.tokens import Role
from shared.http.dispatch import RouteIndex

__all__ = ["RouteAccess", "UnmarkedRouteError", "check_marked", "templates_of", "walk_routes"]


class UnmarkedRouteError(RuntimeError):
    """A route says neither which roles may call it nor that it is public."""


class RouteAccess(NamedTuple):
    """A route and who may call it; ``roles`` is None where everybody may, ``centre`` keeps out who has bounds."""

    method: str
    path: str
    roles: frozenset[Role] | None
    centre: bool = False

    @property
    def public(self) -> bool:
        return self.roles is None


def walk_routes(app: FastAPI) -> Iterator[RouteAccess]:
    """Every (method, path template, allowed roles) of the app.

    A mount of static files is public by nature; a route under several marks needs all of them.

    Raises:
        UnmarkedRouteError: a route carries no mark.
    """
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, RouteIndex):
            continue  # the way to the others
        path = context.path or "/"
        if isinstance(route, Mount) and isinstance(route.app, StaticFiles):
            yield RouteAccess("GET", path, None)
            continue
        marks = list(_marks(context.dependant)) if isinstance(route, APIRoute) else []
        if not marks:
            raise UnmarkedRouteError(f"{path} carries neither allow(…) nor public(): say who may call it")
        roles, centre = _all_of(marks), any(isinstance(mark, Allow) and mark.centre for mark in marks)
        for method in sorted(context.methods or ()):
            yield RouteAccess(method, path, roles, centre)


def check_marked(app: FastAPI) -> None:
    """Require that every route carries a mark.

    Raises:
        UnmarkedRouteError: one does not.
    """
    for _ in walk_routes(app):
        pass


def templates_of(app: FastAPI) -> dict[Any, str]:
    """Endpoint → path template, prefixes of routers included."""
    return {
        context.endpoint: _template(context)
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
    }


def _template(context: RouteContext) -> str:
    return context.path_format or context.path or "/"


def _marks(dependant: Dependant) -> Iterator[Allow | Public]:
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Allow | Public):
            yield dependency.call
        yield from _marks(dependency)


def _all_of(marks: list[Allow | Public]) -> frozenset[Role] | None:
    bounds = [mark.roles for mark in marks if isinstance(mark, Allow)]
    return frozenset.intersection(*bounds) if bounds else None
