"""The one HTTP client for all calls to the services: from the proxy, the pages and the sessions."""

import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp import hdrs

from services.web.settings import WebSettings
from shared.errors import Refusal, TransientError
from shared.telemetry import trace

__all__ = ["CALLER", "Answer", "Upstream", "UpstreamAway", "UpstreamProblem", "open_session"]

CALLER: ContextVar[str | None] = ContextVar("weiguang_caller", default=None)
"""The address of the caller of the request under way; it goes on to the services, whose limits count by it."""

_NO_DEFAULTS = frozenset({hdrs.USER_AGENT, hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE})


class UpstreamAway(TransientError):
    """A service could not be reached or did not answer in time."""


class UpstreamProblem(Refusal):
    """A service refused; carries its problem document, ``members`` being what is beyond the standard ones."""

    def __init__(self, type: str, detail: str, *, status: int, members: Mapping[str, Any] | None = None) -> None:
        super().__init__(type, detail, status=status, **(members or {}))


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of a service."""

    status: int
    body: Any

    def accepted(self) -> Any:
        """The body of a success.

        Raises:
            Problem: the service refused.
        """
        if self.status < 400:
            return self.body
        body = self.body if isinstance(self.body, dict) else {}
        detail = body.get("detail") or f"服务没有说明原因（{self.status}）。"
        extra = {name: value for name, value in body.items() if name not in ("type", "title", "status", "detail")}
        raise UpstreamProblem(str(body.get("type", "refused")), str(detail), status=self.status, members=extra)


def open_session(settings: WebSettings) -> aiohttp.ClientSession:
    """The pool of kept-alive connections; to be opened in a running loop, once per process."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=settings.upstream_connections, keepalive_timeout=20, ttl_dns_cache=10),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=settings.upstream_timeout_seconds, connect=5),
        auto_decompress=False,
        skip_auto_headers=_NO_DEFAULTS,
    )


class Upstream:
    """JSON calls to the services, with the caller's own token."""

    def __init__(self, settings: WebSettings, session: aiohttp.ClientSession) -> None:
        self._bases = {name: base.rstrip("/") for name, base in settings.upstreams.items()}
        self.session = session

    def base(self, service: str) -> str | None:
        """The base address of a service, or None when there is no such service."""
        return self._bases.get(service)

    async def call(
        self,
        method: str,
        service: str,
        path: str,
        *,
        token: str | None = None,
        body: object = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask ``/api/<service>/v1<path>``.

        Raises:
            UpstreamAway: there was no answer.
        """
        sent = {"accept": "application/json", **_trace_headers(), **_caller_headers(), **(headers or {})}
        if token:
            sent["authorization"] = f"Bearer {token}"
        data: bytes | None = None
        if body is not None:
            sent["content-type"] = "application/json"
            data = json.dumps(body).encode()
        url = f"{self._bases[service]}/api/{service}/v1{quote(path, safe='/-._~')}"
        try:
            async with self.session.request(
                method, url, data=data, params=query, headers=sent, allow_redirects=False
            ) as answer:
                raw = await answer.read()
                return Answer(answer.status, _parsed(raw))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UpstreamAway(f"{service} does not answer: {error!r}") from error


def _trace_headers() -> dict[str, str]:
    """Put the requests of a page into the visit's trace."""
    here = trace.current()
    if here is None:
        return {}
    return {"traceparent": trace.format_traceparent(here)}


def _caller_headers() -> dict[str, str]:
    caller = CALLER.get()
    return {} if caller is None else {"x-forwarded-for": caller}


def _parsed(raw: bytes) -> Any:
    """The JSON of a body, or None when it is empty or something else."""
    if not raw:
        return None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None
