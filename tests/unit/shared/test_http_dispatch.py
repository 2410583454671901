"""The index of routes finds what a walk over all routers finds, and asks few of them."""

import re
from collections.abc import Sequence

import pytest
from fastapi import APIRouter, FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from services.points.routers import ROUTERS as POINTS
from services.recruitment.routers import ROUTERS as RECRUITMENT
from shared.http.dispatch import RouteIndex
from shared.http.routes import walk_routes

ID = "01a22dce-6a4e-7713-9283-8ac752965f61"


def app_of(routers: Sequence[APIRouter]) -> FastAPI:
    app = FastAPI(openapi_url=None)
    for router in routers:
        app.include_router(router)
    return app


def scope_of(app: FastAPI, method: str, path: str) -> Scope:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "root_path": "",
        "headers": [],
        "query_string": b"",
        "app": app,
    }


def first_in(app: FastAPI, method: str, path: str) -> BaseRoute | None:
    """The router that a walk over all of them ends at."""
    found = (route for route in app.router.routes if route.matches(scope_of(app, method, path))[0] is Match.FULL)
    return next(found, None)


def by_index(app: FastAPI, index: RouteIndex, method: str, path: str) -> object:
    match, child_scope = index.matches(scope_of(app, method, path))
    return child_scope["weiguang.route"] if match is Match.FULL else None


@pytest.mark.parametrize("routers", [RECRUITMENT, POINTS], ids=["recruitment", "points"])
def test_each_route_is_found_where_the_walk_finds_it_among_few_routers(routers: Sequence[APIRouter]) -> None:
    app = app_of(routers)
    index = RouteIndex(app.router.routes)
    routes = list(walk_routes(app))
    assert len(routes) > 50
    for route in routes:
        path = re.sub(r"{\w+}", ID, route.path)
        assert by_index(app, index, route.method, path) is first_in(app, route.method, path) is not None, route
        assert len(list(index.candidates(path))) <= 4, route
    assert len(list(index.candidates("/api/recruitment/v1/attendance/check-ins"))) <= 2


_SEGMENT = st.sampled_from(["a", "b", "c", "{x}"])
_TEMPLATES = st.lists(st.lists(_SEGMENT, max_size=3).map(lambda parts: "/" + "/".join(parts)), min_size=1, max_size=6)
_PATHS = st.lists(st.sampled_from(["a", "b", "c", "", "d"]), max_size=4).map(lambda parts: "/" + "/".join(parts))


async def nothing() -> None:
    return None


@given(_TEMPLATES, st.booleans(), _PATHS)
def test_any_path_is_found_where_the_walk_finds_it(templates: list[str], last: bool, path: str) -> None:
    app = FastAPI(openapi_url=None)
    for number, template in enumerate([*templates, *(["/{rest:path}"] if last else [])]):
        router = APIRouter()
        methods = ["GET"] if number % 2 else ["POST"]
        parts = (f"{{x{place}}}" if part == "{x}" else part for place, part in enumerate(template.split("/")))
        router.add_api_route("/".join(parts), nothing, methods=methods)
        app.include_router(router)
    index = RouteIndex(app.router.routes)
    for method in ("GET", "POST", "PUT"):
        assert by_index(app, index, method, path) is first_in(app, method, path)


def test_a_route_that_is_added_later_is_found() -> None:
    app = app_of([])
    index = RouteIndex(app.router.routes)
    assert by_index(app, index, "GET", "/late") is None
    app.add_api_route("/late", nothing, methods=["GET"])
    assert by_index(app, index, "GET", "/late") is app.router.routes[-1]
