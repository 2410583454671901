"""The outermost ring of an API: trace, metrics, the access log, and an answer to whatever else went wrong.

One pure ASGI middleware does all four, because each layer costs every request.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.telemetry import trace
from shared.telemetry.metrics import REQUEST_SECONDS, REQUESTS

__all__ = ["UNMATCHED", "Edge", "ErrorRenderer"]

ErrorRenderer = Callable[[Exception, Request], Awaitable[Response]]
"""Makes the answer to an exception."""

UNMATCHED = "(none)"
"""The route label of requests that met no route: paths themselves would be labels without end."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})

_log = structlog.get_logger("shared.http.access")


class Edge:
    """ASGI middleware.

    Args:
        templates: endpoint → the route template under which it is counted and logged.
        render_error: makes the answer to an exception.
        inner: whether callers are the gateway and other services, whose traces are continued. Strangers do not choose
            correlation ids.
    """

    def __init__(
        self, app: ASGIApp, *, templates: Mapping[Any, str], render_error: ErrorRenderer, inner: bool = True
    ) -> None:
        self.app = app
        self.inner = inner
        self.templates = templates
        self.render_error = render_error
        self._counters: dict[tuple[str, str, int], Any] = {}
        self._timers: dict[tuple[str, str], Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        here, token = trace.begin(_traceparent(scope) if self.inner else None, None)
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", ()))
                message["headers"] = [
                    *headers,
                    *_uncached(headers),
                    (b"traceparent", trace.format_traceparent(here).encode()),
                    (b"x-correlation-id", here.correlation_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        try:
            await self.app(scope, receive, answer)
        except Exception as error:
            response = await self.render_error(error, Request(scope))
            if status:  # half an answer is out: cut the connection, so that it is not mistaken for a whole one
                status = 500
                raise
            await response(scope, receive, answer)
        finally:
            self._account(scope, status or 499, time.perf_counter() - started)
            trace.leave(token)

    def _account(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        route = self.templates.get(scope.get("endpoint")) or UNMATCHED
        counter = self._counters.get((method, route, status))
        if counter is None:
            counter = self._counters[method, route, status] = REQUESTS.labels(method, route, str(status))
            self._timers[method, route] = REQUEST_SECONDS.labels(method, route)
        counter.inc()
        self._timers[method, route].observe(seconds)
        if route not in _QUIET:
            _log.info("http.request", method=method, route=route, status=status, ms=round(seconds * 1000, 2))


def _uncached(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The header that keeps JSON out of every cache, unless the route itself says how long it may be kept."""
    names = {name.lower(): value for name, value in headers}
    media = names.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if b"cache-control" in names or not (media == b"application/json" or media.endswith(b"+json")):
        return []
    return [(b"cache-control", b"no-store")]


def _traceparent(scope: Scope) -> str | None:
    sent = [value for name, value in scope["headers"] if name == b"traceparent"]
    return sent[0].decode("latin-1") if len(sent) == 1 else None
