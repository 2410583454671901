"""Every route with an id × callers whose the object is not: refused, and no trace; the rightful caller is let in."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from shared.auth.access import public
from tests.integration.objects.table import OTHERS, ROWS, Route, Row, missing_rows, routes_with_ids
from tests.integration.objects.world import World, apps_of, world_of
from tests.support.databases import Clock, TestDatabase
from tests.support.settings import SettingsFactory

REFUSED = (401, 403, 404)


@pytest.fixture
async def world(settings_for: SettingsFactory, test_database: TestDatabase, clock: Clock) -> AsyncIterator[World]:
    async with world_of(settings_for, test_database, clock) as world:
        yield world


def _filled(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, ids) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, ids) for item in value]
    return ids[value[1:]] if isinstance(value, str) and value.startswith("$") else value


async def _send(world: World, route: Route, row: Row, caller: str) -> httpx.Response:
    call = world.calls[route]
    url = call.template
    for name in call.path:
        given = row.ids.get(name, name)
        url = url.replace(f"{{{name}}}", world.ids.get(given, given))
    query = {**call.query, **{name: world.ids.get(given, given) for name, given in row.query.items()}}
    body = call.body if row.body is None else _filled(row.body, world.ids)
    return await world.send(route[0], route[1], url, caller, body, query)


async def test_others_than_those_whose_an_object_is_are_refused_without_a_trace(world: World) -> None:
    wrong: list[str] = []
    before, last = await world.trace(), next(reversed(ROWS))
    for route, row in ROWS.items():
        for caller in OTHERS:
            if caller in row.open_to and row.hidden is None:
                continue
            answer = await _send(world, route, row, caller)
            said = f"{route} {caller}: {answer.status_code} {answer.text[:160]}"
            if caller in row.open_to:
                assert row.hidden is not None
                if answer.status_code not in (200, *REFUSED) or world.ids.get(row.hidden, "?") in answer.text:
                    wrong.append(f"{said} shows {row.hidden}")
            elif answer.status_code not in REFUSED:
                wrong.append(said)
        if route[1] != "GET" or route == last:  # what reads leave is found after the next row
            after = await world.trace()
            wrong += [
                f"{route} or a read before left a trace in {name}" for name in after if after[name] != before[name]
            ]
            before = after
    assert not wrong, "\n".join(wrong)


async def test_those_whose_an_object_is_are_not_refused_for_who_they_are(world: World) -> None:
    wrong: list[str] = []
    for route, row in ROWS.items():
        if row.rightful is None:
            assert row.why, f"{route}: say why nobody is tried"
            continue
        answer = await _send(world, route, row, row.rightful)
        if answer.status_code in REFUSED or answer.status_code >= 500:
            wrong.append(f"{route} {row.rightful}: {answer.status_code} {answer.text[:200]}")
    assert not wrong, "\n".join(wrong)


def test_every_route_with_an_id_has_a_row_and_every_row_a_route(settings_for: SettingsFactory) -> None:
    apps = apps_of(settings_for)
    missing = [route for service, app in apps.items() for route in missing_rows(service, app)]
    assert not missing, "say in tests/integration/objects/table.py whose objects these act on"
    taken = {route for service, app in apps.items() for route in routes_with_ids(service, app)}
    assert ROWS.keys() <= taken, "rows of routes that are no more"


def test_a_route_without_a_row_is_found() -> None:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    router = APIRouter(prefix="/api/recruitment/v1", dependencies=[public()])

    @router.get("/planted/{thing_id}")
    async def by_path(thing_id: str) -> str:
        return thing_id

    @router.get("/planted")
    async def by_query(site_id: str = "") -> str:
        return site_id

    @router.get("/sites")
    async def without() -> str:
        return ""

    app.include_router(router)
    assert missing_rows("recruitment", app) == [
        ("recruitment", "GET", "/planted/{thing_id}"),
        ("recruitment", "GET", "/planted"),
    ]
