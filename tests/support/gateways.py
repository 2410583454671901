"""The gateway before a service that records what it receives."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from services.web.app import Gateway
from services.web.settings import WebSettings
from shared.http.server import running
from tests.support.waiting import WAIT_LIMIT

__all__ = ["CHALLENGE", "MIB", "OURS", "Setting", "StandIn", "gateway_running", "token"]

MIB = 1024 * 1024

CHALLENGE = "5b0c7f8e-7a42-4a53-9f0a-0f5d3c1b2a19"


@dataclass
class StandIn:
    """Answers like a service and remembers what it was asked."""

    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        self.seen.append((request.method, path, dict(request.headers), body))
        response = await self.answer(request, body)
        await response(scope, receive, send)

    async def answer(self, request: Request, body: bytes) -> Response:
        path = request.url.path
        if path.endswith("/auth/codes"):
            return JSONResponse({"challenge_id": CHALLENGE, "expires_in": 300}, 202)
        if path.endswith("/auth/tokens"):
            session = {"access_token": token(600, "first"), "refresh_token": "refresh-1"}
            return JSONResponse(session if json.loads(body)["code"] == "123456" else {}, 200)
        if path.endswith("/auth/refresh"):
            return JSONResponse({"access_token": token(600, "second"), "refresh_token": "refresh-2"})
        if path.endswith("/big"):
            return StreamingResponse((b"x" * MIB for _ in range(8)), media_type="application/octet-stream")
        if path.endswith("/photo"):
            status = 304 if "if-none-match" in request.headers else 200
            caching = {
                "cache-control": "public, max-age=3600",
                "expires": "Thu, 01 Jan 2099 00:00:00 GMT",
                "etag": '"1"',
            }
            return Response(b"" if status == 304 else b"photo", status, caching)
        if path.endswith("/refused"):
            problem = {"type": "shift-full", "status": 409, "detail": "All 3 places are taken.", "capacity": 3}
            return Response(json.dumps(problem), 409, media_type="application/problem+json")
        return JSONResponse({"ok": True}, headers={"set-cookie": "stolen=1", "etag": '"1"'})


def token(expires_in: float, name: str) -> str:
    import base64

    body = json.dumps({"exp": time.time() + expires_in, "volunteer": "v", "roles": ["volunteer"], "jti": name})
    return f"e30.{base64.urlsafe_b64encode(body.encode()).rstrip(b'=').decode()}.c2ln"


@dataclass
class Setting:
    """The gateway, what stands behind it, and a browser before it."""

    upstream: StandIn
    client: httpx.AsyncClient
    gateway: Gateway
    stopping: asyncio.Event
    port: int


@asynccontextmanager
async def gateway_running(**overrides: Any) -> AsyncIterator[Setting]:
    """A gateway of its own before a stand-in of its own."""
    async with AsyncExitStack() as stack:
        upstream, stopping = StandIn(), asyncio.Event()
        behind = await stack.enter_async_context(running(upstream, "127.0.0.1", 0, lifespan=False))
        address = f"http://127.0.0.1:{behind}"
        # nothing listens on port 9: points is away, and so is the broker
        values: dict[str, Any] = {
            "environment": "test",
            "recruitment_url": address,
            "notify_url": address,
            "operations_url": address,
            "points_url": "http://127.0.0.1:9",
            "kafka_bootstrap": "127.0.0.1:9",
        }
        settings = WebSettings(**{**values, **overrides})
        gateway = Gateway(settings, stopping)
        port = await stack.enter_async_context(running(gateway, "127.0.0.1", 0))
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=WAIT_LIMIT)
        )
        yield Setting(upstream, client, gateway, stopping, port)
        stopping.set()


OURS = {"x-weiguang-page": "1"}
