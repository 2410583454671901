"""Nothing is open by forgetting, and who may not is told why."""

from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Annotated, Any

import httpx
import pytest
import structlog
from fastapi import APIRouter, FastAPI
from starlette.staticfiles import StaticFiles

from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http.app import create_app
from shared.http.routes import RouteAccess, UnmarkedRouteError, walk_routes
from tests.support.sample_api import (
    SETTINGS,
    Answer,
    bearer,
    calling,
    check_problem,
    good,
    make_app,
    router,
)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with calling(make_app()) as client:
        yield client


@pytest.fixture
def app() -> FastAPI:
    return make_app()


@pytest.mark.parametrize(
    ("authorization", "status", "type"),
    [
        (None, 401, "token-missing"),
        ("Basic eDp5", 401, "token-missing"),
        ("Bearer ", 401, "token-missing"),
        ("Bearer nonsense", 401, "token-invalid"),
        ((Role.OPERATOR, Role.ENGINEER), 403, "role-not-allowed"),
    ],
)
async def test_who_may_not_is_told_why(
    client: httpx.AsyncClient, authorization: str | tuple[Role, ...] | None, status: int, type: str
) -> None:
    # Minted here: a token made when tests are collected may be over when this one runs.
    headers = bearer(*authorization) if isinstance(authorization, tuple) else {}
    if isinstance(authorization, str):
        headers = {"Authorization": authorization}
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


async def test_what_concerns_the_district_is_closed_to_who_is_bound_to_sites() -> None:
    wide = APIRouter()

    @wide.get("/wide")
    async def widened(caller: Annotated[Caller, allow(Role.OPERATOR, centre=True)]) -> Answer:
        return Answer(name=str(caller.subject))

    app = create_app(SETTINGS, title="T", routers=[wide])
    assert {route.path: route.centre for route in walk_routes(app)}["/wide"]
    async with calling(app) as client:
        check_problem(await client.get("/wide", headers=bearer(Role.STATION)), 403, "role-not-allowed")
        document = check_problem(await client.get("/wide", headers=bearer(Role.OPERATOR)), 403, "centre-only")
        assert "whole district" in document["detail"]
        assert (await client.get("/wide", headers=bearer(Role.OPERATOR, sites=None))).status_code == 200
