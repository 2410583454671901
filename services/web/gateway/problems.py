"""Problems that the gateway itself answers with (RFC 9457)."""

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

__all__ = ["send_problem"]


async def send_problem(
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    status: int,
    type: str,
    detail: str,
    headers: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    """Answer an ASGI request with ``application/problem+json``."""
    title = type.replace("-", " ").capitalize()
    body = json.dumps({"type": type, "title": title, "status": status, "detail": detail}, ensure_ascii=False).encode()
    start: list[tuple[bytes, bytes]] = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})
