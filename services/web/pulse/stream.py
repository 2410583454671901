"""The pulse over HTTP: ``GET /api/operations/v1/pulse``, server-sent events for everybody. Plain ASGI."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import aclosing, suppress
from typing import Any

from services.web.gateway.problems import send_problem
from services.web.pulse.hub import Hub

__all__ = ["PULSE_PATH", "stream_pulse"]

PULSE_PATH = "/api/operations/v1/pulse"

Message = MutableMapping[str, Any]
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # nginx and its like would collect the events
    (b"x-accel-buffering", b"no"),
]


async def stream_pulse(
    hub: Hub,
    method: str,
    free: bool,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Answer one watcher until they go away or the process stops; ``free``: their address has a place left."""
    if method not in ("GET", "HEAD"):
        await send_problem(send, 405, "method-not-allowed", "The pulse can only be read.", [(b"allow", b"GET")])
        return
    if hub.full:
        detail = "Too many people are watching the pulse at the moment; try again in a minute."
        await send_problem(send, 503, "pulse-full", detail, [(b"retry-after", b"60")])
        return
    if not free:
        detail = "Too many browsers of this address are watching the pulse; close some of them."
        await send_problem(send, 429, "pulse-full", detail, [(b"retry-after", b"60")])
        return
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    if method == "HEAD":
        await send({"type": "http.response.body", "body": b""})
        return
    sending = asyncio.ensure_future(_send_all(hub, send))
    leaving = asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, leaving):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _send_all(hub: Hub, send: Callable[[Message], Awaitable[None]]) -> None:
    async with aclosing(hub.stream()) as events:
        async for event in events:
            await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _left(receive: Callable[[], Awaitable[Message]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
