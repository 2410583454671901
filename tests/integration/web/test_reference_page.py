"""The reference of the APIs: one document and one page, for staff and engineers."""

from functools import cache
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.recruitment.routers import ROUTERS
from services.web.pages.operator.reference import merged, sections
from shared.auth.tokens import Role
from shared.http.app import create_app
from shared.settings import Settings
from tests.support.cookies import cookie
from tests.support.gateways import StandIn, gateway_running
from tests.support.settings import SECRETS


@cache
def document() -> dict[str, Any]:
    """The description of recruitment's API."""
    return create_app(Settings(service="recruitment", environment="test"), title="R", routers=ROUTERS).openapi()


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_documents_are_merged_without_mixing_their_schemas() -> None:
    whole = merged({"recruitment": document(), "points": document()}, "https://volunteers.example.org")
    schemas = whole["components"]["schemas"]
    assert "recruitment.Problem" in schemas
    assert "points.Problem" in schemas
    assert {reference.removeprefix("#/components/schemas/") for reference in references(whole)} <= set(schemas)
    assert not any("/internal/" in path for path in whole["paths"])
    shown = [call for section in sections(whole) for call in section["operations"]]
    assert len(shown) == sum(len(item) for item in whole["paths"].values())


def test_every_operation_says_who_may_call_it_and_how_it_refuses() -> None:
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            assert "application/problem+json" in operation["responses"]["default"]["content"], (method, path)
            assert "422" not in operation["responses"]
            assert ("x-roles" in operation) == (operation.get("security") == [{"bearer": []}]), (method, path)
    signup = document()["paths"]["/api/recruitment/v1/shifts/{shift_id}/signups"]["post"]
    assert "Idempotency-Key" in [each["name"] for each in signup["parameters"]]
    assert "volunteer" in signup["x-roles"]
    login = document()["paths"]["/api/recruitment/v1/auth/tokens"]["post"]
    assert "Idempotency-Key" not in [each["name"] for each in login.get("parameters", ())]


async def test_staff_read_it_and_strangers_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    async def describing(self: StandIn, request: Request, body: bytes) -> Response:
        return JSONResponse(document())

    monkeypatch.setattr(StandIn, "answer", describing)
    async with gateway_running(auth_public_keys=SECRETS.public_keys, points_url="http://127.0.0.1:9") as setting:
        staff = cookie(Role.STATION)
        assert (await setting.client.get("/staff/api", headers=staff)).status_code == 503, "a service is away"
    async with gateway_running(auth_public_keys=SECRETS.public_keys) as setting:
        setting.gateway.pages.state.web.upstream._bases["points"] = setting.gateway.pages.state.web.upstream._bases[
            "notify"
        ]
        for path in ("/staff/api", "/staff/api/openapi.json"):
            assert (await setting.client.get(path, headers={"accept": "text/html"})).status_code == 303
            assert (await setting.client.get(path, headers=cookie(Role.VOLUNTEER))).status_code == 403
            shown = await setting.client.get(path, headers=staff)
            assert (shown.status_code, "/attendance/check-ins" in shown.text) == (200, True)
