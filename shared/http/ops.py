"""Health and metrics of the roles that serve no API: a few routes on a port of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.http import health
from shared.http.connections import limits_of
from shared.http.problems import problem
from shared.http.server import running
from shared.settings import Settings

__all__ = ["serve_ops"]

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def serve_ops(settings: Settings, readiness: health.Readiness) -> AsyncIterator[int]:
    """Answer ``/healthz``, ``/readyz`` and ``/metrics`` while the block runs; gives the port (``settings.ops_port``).

    Raises:
        OSError: the port is taken.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await _answer(scope["path"], readiness)
        await response(scope, receive, send)

    async with running(app, settings.http_host, settings.ops_port, lifespan=False, limits=limits_of(settings)) as port:
        _log.info("ops.listening", host=settings.http_host, port=port)
        yield port


async def _answer(path: str, readiness: health.Readiness) -> Response:
    if path == "/healthz":
        return health.healthz()
    if path == "/readyz":
        return await health.readyz(readiness)
    if path == "/metrics":
        return health.metrics()
    return problem(404, "not-found", "There is nothing at this address.")
