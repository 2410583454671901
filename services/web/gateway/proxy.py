"""The reverse proxy: ``/api/<service>/v1/…`` goes to that service, with the caller's own token.

Plain ASGI and one pool of kept-alive connections: the gateway adds no framework to the path of a request.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from yarl import URL

from services.web.gateway.headers import HOP_BY_HOP, Headers, find, forwarded
from services.web.gateway.problems import send_problem
from services.web.gateway.sessions import ACCESS, REFRESH, Session, Sessions, same_origin
from services.web.gateway.upstream import CALLER, Upstream
from shared.http.address import UNKNOWN
from shared.http.guard import BODY_SECONDS

__all__ = ["BODY_LIMIT", "METHODS", "Proxy", "is_api"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_LIMIT = 1024 * 1024
"""Bytes of a request's body; the services hold the same limit."""
WHOLE_LIMIT = 256 * 1024
"""Answers up to this many bytes are sent in one piece; longer ones are streamed."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
METHODS = _SAFE | {"POST", "PUT", "PATCH", "DELETE"}
# The gateway's own security headers are added outside; upstream cookies would be ours to set.
_DROPPED = HOP_BY_HOP | {b"set-cookie", b"server", b"date", b"x-content-type-options"}

STREAMS = "/events/stream"
"""The end of the paths whose answers have no end; their heartbeats come every 15 s."""
STREAM_TIMEOUT = aiohttp.ClientTimeout(connect=5, sock_read=60)

_log = structlog.get_logger(__name__)


class TooLarge(Exception):
    """The request's body is over the limit."""


class Gone(Exception):
    """The caller went away before the request was complete."""


def is_api(path: str) -> bool:
    """Whether a path belongs to a service."""
    return path.startswith("/api/")


@dataclass(frozen=True, slots=True)
class ResponseContext:
    """How an answer is given: with which cookies, and whether to our own script."""

    session: Session
    ours: bool


class Proxy:
    """The ASGI application for the paths of :func:`is_api`."""

    def __init__(
        self, upstream: Upstream, sessions: Sessions, translate: Callable[[bytes], bytes] = lambda body: body
    ) -> None:
        """Args: translate: puts a problem document into the pages' language, for requests of our own script only."""
        self._upstream = upstream
        self._sessions = sessions
        self._translate = translate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward one request, or answer it with a problem."""
        url = self._target(scope)
        if url is None:
            await send_problem(send, 404, "not-found", "There is nothing at this address.")
            return
        if scope["method"] not in METHODS:
            await send_problem(send, 405, "method-not-allowed", f"{scope['method']} is not allowed here.")
            return
        headers: Headers = scope["headers"]
        session = await self._session(scope["method"], headers)
        if session is None:
            detail = "This request did not come from Weiguang's own pages; reload the page and try again."
            await send_problem(send, 403, "cross-site-request", detail)
            return
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(headers, receive)
        except TimeoutError:
            detail = f"The body did not arrive within {BODY_SECONDS:.0f} seconds."
            await send_problem(send, 408, "body-too-slow", detail, [(b"connection", b"close")])
            return
        except TooLarge:
            await send_problem(send, 413, "body-too-large", f"The body is over the limit of {BODY_LIMIT} bytes.")
            return
        except Gone:
            return
        await self._forward(scope, url, body, session, receive, send)

    def _target(self, scope: Scope) -> URL | None:
        """The address to call, or None for what is never proxied: unknown services, and the services' internals."""
        segments: list[str] = scope["path"].split("/")
        if len(segments) < 5 or segments[3] != "v1":
            return None
        base = self._upstream.base(segments[2])
        # Compared after decoding, as the service will see it; a segment of dots could climb out of the prefix.
        if base is None or any(segment.lower() in ("internal", "", ".", "..") for segment in segments[1:]):
            return None
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        query: bytes = scope["query_string"]
        text = base + raw.partition(b"?")[0].decode("latin-1") + ("?" + query.decode("latin-1") if query else "")
        try:
            return URL(text, encoded=True)
        except ValueError:
            return None

    async def _session(self, method: str, headers: Headers) -> Session | None:
        """The page's session, if the request leans on one; None when another site is using it."""
        if find(headers, b"authorization") is not None:
            return _NO_SESSION
        sent = find(headers, b"cookie")
        if sent is None or not (_ACCESS in sent or _REFRESH in sent):
            return _NO_SESSION
        if method not in _SAFE and not same_origin(headers):
            return None
        return await self._sessions.read(headers)

    async def _forward(
        self, scope: Scope, url: URL, body: bytes, session: Session, receive: Receive, send: Send
    ) -> None:
        ours = find(scope["headers"], b"x-weiguang-page") is not None
        authorization = f"Bearer {session.token}".encode() if session.token else None
        headers = forwarded(scope["headers"], CALLER.get() or UNKNOWN, authorization)
        started = False

        async def tracked(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            exchange = self._exchange(scope["method"], url, headers, body, ResponseContext(session, ours), tracked)
            await (self._while_connected(exchange, receive) if url.path.endswith(STREAMS) else exchange)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if started:
                raise  # the answer is half sent: only breaking the connection informs the caller
            _log.warning("upstream.unavailable", path=scope["path"], error=repr(error))
            detail = "The service does not answer at the moment; the same request may be sent again in a few seconds."
            await send_problem(send, 503, "service-away", detail, session.on([(b"retry-after", b"2")]))

    async def _exchange(
        self, method: str, url: URL, headers: list[tuple[str, str]], body: bytes, context: ResponseContext, send: Send
    ) -> None:
        async with await self._request(method, url, headers, body) as answer:
            passed = [(key.lower(), value) for key, value in answer.raw_headers if key.lower() not in _DROPPED]
            kept = context.session.on(passed)
            if context.ours and answer.status >= 400 and answer.content_type.endswith("+json"):
                said = self._translate(await answer.read())
                kept = [(key, value) for key, value in kept if key != b"content-length"]
                kept.append((b"content-length", str(len(said)).encode()))
                await send({"type": "http.response.start", "status": answer.status, "headers": kept})
                await send({"type": "http.response.body", "body": said})
                return
            await send({"type": "http.response.start", "status": answer.status, "headers": kept})
            length = answer.content_length
            if length is not None and length <= WHOLE_LIMIT:
                await send({"type": "http.response.body", "body": await answer.read()})
                return
            async for chunk in answer.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    async def _while_connected(self, work: Coroutine[Any, Any, None], receive: Receive) -> None:
        """Run the work until it ends or the caller disconnects: nothing else ends a stream."""
        working = asyncio.create_task(work)
        leaving = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
        finally:
            for task in (working, leaving):
                task.cancel()
            await asyncio.gather(working, leaving, return_exceptions=True)

    async def _request(
        self, method: str, url: URL, headers: list[tuple[str, str]], body: bytes
    ) -> aiohttp.ClientResponse:
        """Send the request; once more if a kept-alive connection turned out dead and repeating cannot do harm."""
        more: dict[str, Any] = {"timeout": STREAM_TIMEOUT} if url.path.endswith(STREAMS) else {}
        repeatable = method in _SAFE or any(key == "idempotency-key" for key, _ in headers)
        for last in (not repeatable, True):
            try:
                return await self._upstream.session.request(
                    method, url, headers=headers, data=body or None, allow_redirects=False, **more
                )
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionResetError):
                if last:
                    raise
                await asyncio.sleep(0)
        raise AssertionError("the last attempt returns or raises")


_NO_SESSION = Session()
_ACCESS = ACCESS.encode() + b"="
_REFRESH = REFRESH.encode() + b"="


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(headers: Headers, receive: Receive) -> bytes:
    """The whole body; it is at most 1 MiB, and having it makes the request repeatable on a dead connection.

    Raises:
        TooLarge: the body is, or says that it is, over the limit.
        Gone: the caller disconnected.
    """
    announced = find(headers, b"content-length")
    if announced is not None and (not announced.isdigit() or int(announced) > BODY_LIMIT):
        raise TooLarge
    if announced is None and find(headers, b"transfer-encoding") is None:
        return b""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > BODY_LIMIT:
            raise TooLarge
        chunks.append(chunk)
        if not message.get("more_body"):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)
