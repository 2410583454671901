"""The engineers' page: what processes say and the dead letters, for engineers by a token that is signed."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.auth.tokens import Role
from shared.http.ops import serve_ops
from shared.ids import new_id
from shared.settings import Settings
from tests.support.cookies import cookie
from tests.support.gateways import StandIn, gateway_running
from tests.support.settings import SECRETS

LETTER = {
    "id": 7, "group": "weiguang.points", "topic": "volunteering.attendance.v1", "partition": 3, "offset": 41,
    "last_offset": None, "kind": "permanent", "reason": "minutes is missing", "attempts": 1, "status": "open",
    "at": datetime(2026, 3, 4, tzinfo=UTC).isoformat(),
}  # fmt: skip


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in for the services answers with one dead letter."""
    answer = StandIn.answer

    async def answering(self: StandIn, request: Request, body: bytes) -> Response:
        if request.url.path.endswith("/dead-letters"):
            return JSONResponse({"items": [LETTER], "next_cursor": None})
        return await answer(self, request, body)

    monkeypatch.setattr(StandIn, "answer", answering)


async def down() -> None:
    raise OSError("refused")


@pytest.mark.usefixtures("letters")
async def test_engineers_see_processes_metrics_and_dead_letters() -> None:
    async with serve_ops(Settings(environment="test"), {"broker": down}) as port:
        urls = {"points-worker": f"http://127.0.0.1:{port}", "points-relay": "http://127.0.0.1:9"}
        async with gateway_running(auth_public_keys=SECRETS.public_keys, process_urls=urls) as setting:
            engineer = cookie(Role.ENGINEER)
            shown = await setting.client.get("/staff/system", headers=engineer)
            assert shown.status_code == 200
            audited = await setting.client.get("/staff/system", headers=cookie(Role.AUDITOR))
            assert "minutes is missing" in audited.text
            assert [text in shown.text for text in ("points-worker", "broker 失败", "points-relay", "没有回应")] == [
                True
            ] * 4
            assert "minutes is missing" in shown.text
            assert "暂时取不到" in shown.text, "points is away in this setting"
            metrics = await setting.client.get("/staff/system/metrics/points-worker", headers=engineer)
            assert metrics.headers["content-type"].startswith("text/plain")
            assert "weiguang_http_connections" in metrics.text
            assert (await setting.client.get("/staff/system/metrics/elsewhere", headers=engineer)).status_code == 404
            assert (await setting.client.get("/staff/system/metrics/points-relay", headers=engineer)).status_code == 503


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize("path", ["/staff/system", "/staff/system/metrics/web-api"])
async def test_nobody_else_sees_them_whatever_their_cookie_says(path: str) -> None:
    async with gateway_running(auth_public_keys=SECRETS.public_keys) as setting:
        assert (await setting.client.get(path, headers={"accept": "text/html"})).status_code == 303
        for role in (Role.OPERATOR, Role.VOLUNTEER):
            assert (await setting.client.get(path, headers=cookie(role))).status_code == 403
        forged = {"cookie": f"wg_access={unsigned(roles=['engineer'], exp=4102444800, sub=str(new_id()))}"}
        answer = await setting.client.get(path, headers=forged)
        assert answer.status_code == 401
        assert setting.upstream.seen == []


def unsigned(**claims: Any) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'EdDSA', 'kid': 'recruitment.1'})}.{part(claims)}.{part('x')}"


async def test_the_page_stands_when_every_service_is_away() -> None:
    away = dict.fromkeys(("recruitment_url", "notify_url", "operations_url"), "http://127.0.0.1:9")
    async with gateway_running(auth_public_keys=SECRETS.public_keys, **away) as setting:
        shown: httpx.Response = await setting.client.get("/staff/system", headers=cookie(Role.ENGINEER))
        assert (shown.status_code, shown.text.count("暂时取不到")) == (200, 4)
